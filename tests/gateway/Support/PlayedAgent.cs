using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Live;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>
/// An agent that plays logs: a real REST server and a real connection to the hub, with logs that a test writes in place of a
/// database.
/// </summary>
internal sealed class PlayedAgent : IAsyncDisposable
{
    public const string Key = "a key for agents that are played";
    private readonly ConcurrentDictionary<Guid, PlayedWatch> _watches = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly PlayedRest _rest;
    private readonly string _workerId = Guid.CreateVersion7().ToString();
    private readonly HubConnection _hub;
    private ClientWebSocket? _socket;
    private Task _pump = Task.CompletedTask;

    private PlayedAgent(Uri gateway, PlayedLogs logs, PlayedRest rest)
    {
        (Logs, _rest) = (logs, rest);
        _hub = new HubConnectionBuilder()
            .WithUrl(new Uri(gateway, "/hubs/agent"), options =>
            {
                options.AccessTokenProvider = () => TokenAsync(gateway);
                options.WebSocketFactory = async (context, cancellationToken) =>
                {
                    _socket = new ClientWebSocket();
                    _socket.Options.SetRequestHeader("Authorization", $"Bearer {await TokenAsync(gateway)}");
                    await _socket.ConnectAsync(context.Uri, cancellationToken);
                    return _socket;
                };
            })
            .AddJsonProtocol(options => HubJson.Apply(options.PayloadSerializerOptions))
            .Build();
        _hub.On("Watch", (JsonElement request) => Watch(request));
        _hub.On("WatchOwner", (JsonElement request) => WatchOwner(request));
        _hub.On("Unwatch", (JsonElement request) => { _watches.TryRemove(request.GetProperty("subscription_id").GetGuid(), out _); });
        _hub.On("Execute", (JsonElement request) => ExecuteAsync(request.GetProperty("command").Clone()));
    }

    public PlayedLogs Logs { get; }

    public Uri Url => _rest.Url;

    /// <summary>Commands that reached this agent.</summary>
    public ConcurrentQueue<JsonElement> Executed { get; } = new();

    /// <summary>Watches that were asked of this agent, as they were asked.</summary>
    public ConcurrentQueue<JsonElement> Asked { get; } = new();

    public int OpenWatches => _watches.Count;

    /// <summary>What it says to each watch in place of the truth: 503, for instance.</summary>
    public int? Refuses { get; set; }

    /// <summary>It takes commands, and then it says nothing.</summary>
    public bool SwallowsCommands { get; set; }

    /// <summary>Change what is pushed: to lose, to repeat, to reorder.</summary>
    public Func<IReadOnlyList<string>, IReadOnlyList<string>> Mangle { get; set; } = events => events;

    public static IReadOnlyDictionary<string, string?> Settings { get; } =
        new Dictionary<string, string?>(TestGateway.WithAdmin) { ["Gateway:AgentKeys:played"] = Key };

    /// <summary>Start an agent, or another one that reads the same logs, and let it dial the gateway.</summary>
    public static async Task<PlayedAgent> StartAsync(Uri gateway, PlayedAgent? replicaOf = null, PlayedLogs? logs = null, Action<PlayedAgent>? before = null)
    {
        var read = logs ?? replicaOf?.Logs ?? new PlayedLogs();
        var agent = new PlayedAgent(gateway, read, await PlayedRest.StartAsync(read));
        before?.Invoke(agent);
        await agent._hub.StartAsync();
        await agent._hub.InvokeAsync<JsonElement>("Register", agent.Hello());
        agent._pump = agent.PumpAsync();
        return agent;
    }

    public Guid NewTask(Guid owner) => Logs.NewTask(owner);

    public void Append(Guid task, params IEnumerable<string> types) => Logs.Append(task, types);

    public Task HeartbeatAsync(params IEnumerable<Guid> active) =>
        _hub.InvokeAsync("Heartbeat", new { agent_status = "IDLE", capacity = 4, active_tasks = active });

    /// <summary>Say that one watch cannot go on here.</summary>
    public Task EndWatchesAsync(int status, string code) => Task.WhenAll(_watches.Keys.Select(id =>
    {
        _watches.TryRemove(id, out _);
        return _hub.InvokeAsync("WatchEnded", new { subscription_id = id, status, code, detail = "No." });
    }));

    /// <summary>Go without a word, as a killed process does.</summary>
    public async Task KillAsync()
    {
        _socket?.Abort();
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended.IsCancellationRequested)
        {
            return;
        }
        await _ended.CancelAsync();
        await _pump;
        await _hub.DisposeAsync();
        await _rest.DisposeAsync();
    }

    private object Hello() =>
        new { worker_id = _workerId, version = "0", contract_version = 1, roles = new[] { "developer" }, capacity = 4, url = Url };

    private async Task PumpAsync()
    {
        try
        {
            while (true)
            {
                var change = Logs.NextChange;
                foreach (var (id, watch) in _watches)
                {
                    while (watch.Next(Mangle) is { } batch && await PushAsync(id, watch, batch))
                    {
                        // There was something, so there may be more.
                    }
                }
                await change.WaitAsync(_ended.Token);
            }
        }
        catch (Exception) when (_ended.IsCancellationRequested || _hub.State != HubConnectionState.Connected)
        {
            // It was killed, or the gateway is gone.
        }
    }

    private async Task<bool> PushAsync(Guid id, PlayedWatch watch, EventBatch batch)
    {
        var acks = await _hub.InvokeAsync<JsonElement[]>("PushEvents", (object)new[] { batch with { SubscriptionId = id } }, _ended.Token);
        watch.Acknowledge(acks[0].GetProperty("acked_seq").GetInt64());
        if (!acks[0].GetProperty("stop").GetBoolean())
        {
            return true;
        }
        _watches.TryRemove(id, out _);
        return false;
    }

    private static async Task<string?> TokenAsync(Uri gateway)
    {
        using var http = new HttpClient { BaseAddress = gateway };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        var answer = await http.PostAsync("/agents/token", null);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString();
    }

    private object Watch(JsonElement request)
    {
        Asked.Enqueue(request.Clone());
        if (Refuses is { } status)
        {
            return new { status, code = "unavailable", detail = "Not now." };
        }
        var owner = PlayedRest.OwnerOf(request.GetProperty("token").GetString() ?? "");
        if (Logs.Find(request.GetProperty("task_id").GetGuid(), owner) is not { } task)
        {
            return new { status = 404, code = "task_not_found", detail = "There is no such task." };
        }
        return Begin(request, new PlayedWatch(task, request.GetProperty("after").GetInt64()));
    }

    private object WatchOwner(JsonElement request) =>
        Begin(request, new PlayedWatch(Logs, PlayedRest.OwnerOf(request.GetProperty("token").GetString() ?? "")));

    private object Begin(JsonElement request, PlayedWatch watch)
    {
        _watches[request.GetProperty("subscription_id").GetGuid()] = watch;
        Logs.Wake();
        return new { status = 200 };
    }

    private async Task<JsonObject> ExecuteAsync(JsonElement command)
    {
        Executed.Enqueue(command);
        var answer = Logs.Execute(command);
        if (SwallowsCommands)
        {
            await Task.Delay(Timeout.Infinite, _ended.Token);
        }
        return answer;
    }
}
