using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>
/// An agent that plays logs: a real REST server and a real connection to the hub, with logs that a test writes in place of a
/// database.
/// </summary>
internal sealed class PlayedAgent : IAsyncDisposable
{
    public const string Key = "a key for agents that are played";
    private readonly ConcurrentDictionary<Guid, List<JsonObject>> _logs;
    private readonly ConcurrentDictionary<Guid, Guid> _owners;
    private readonly ConcurrentDictionary<Guid, (Guid Task, long After)> _subscriptions = new();
    private readonly WebApplication _rest;
    private readonly string _workerId = Guid.CreateVersion7().ToString();
    private HubConnection? _hub;

    private PlayedAgent(PlayedAgent? replicaOf)
    {
        _logs = replicaOf?._logs ?? new();
        _owners = replicaOf?._owners ?? new();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _rest = builder.Build();
        _rest.MapGet("/tasks/{id:guid}", View);
        _rest.MapGet("/tasks/{id:guid}/events", Events);
    }

    /// <summary>Commands that reached this agent.</summary>
    public ConcurrentQueue<JsonElement> Executed { get; } = new();

    public Uri Url => new(_rest.Urls.First());

    public static IReadOnlyDictionary<string, string?> Settings { get; } =
        new Dictionary<string, string?>(TestGateway.WithAdmin) { ["Gateway:AgentKeys:played"] = Key };

    /// <summary>Start an agent, or another one that reads the same logs, and let it dial the gateway.</summary>
    public static async Task<PlayedAgent> StartAsync(Uri gateway, PlayedAgent? replicaOf = null)
    {
        var agent = new PlayedAgent(replicaOf);
        await agent._rest.StartAsync();
        await agent.DialAsync(gateway);
        return agent;
    }

    public Guid NewTask(Guid owner)
    {
        var id = Guid.CreateVersion7();
        _owners[id] = owner;
        _logs[id] = [];
        return id;
    }

    /// <summary>Append events to a log and push them to whoever watches here.</summary>
    public async Task AppendAsync(Guid task, params string[] types)
    {
        foreach (var type in types)
        {
            lock (_logs[task])
            {
                _logs[task].Add(new JsonObject { ["type"] = type, ["task_id"] = task.ToString(), ["seq"] = _logs[task].Count + 1, ["epoch"] = 1 });
            }
        }
        await PushAsync();
    }

    /// <summary>Push what each subscription lacks, until it is acknowledged.</summary>
    public async Task PushAsync()
    {
        foreach (var id in _subscriptions.Keys)
        {
            while (await PushOnceAsync(id))
            {
                // There was something, so there may be more.
            }
        }
    }

    /// <summary>Go without a word, as a killed process does.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_hub is not null)
        {
            await _hub.DisposeAsync();
        }
        await _rest.DisposeAsync();
    }

    private async Task DialAsync(Uri gateway)
    {
        _hub = new HubConnectionBuilder()
            .WithUrl(new Uri(gateway, "/hubs/agent"), options => options.AccessTokenProvider = () => TokenAsync(gateway))
            .Build();
        _hub.On("Watch", (JsonElement request) => Watch(request));
        _hub.On("Unwatch", (JsonElement request) => { _subscriptions.TryRemove(request.GetProperty("subscription_id").GetGuid(), out _); });
        _hub.On("Execute", (JsonElement request) => Execute(request));
        await _hub.StartAsync();
        await _hub.InvokeAsync<JsonElement>("Register", new { worker_id = _workerId, version = "0", contract_version = 1, roles = new[] { "developer" }, capacity = 4, url = Url });
    }

    private async Task<bool> PushOnceAsync(Guid id)
    {
        if (!_subscriptions.TryGetValue(id, out var place) || After(place.Task, place.After) is not { Length: > 0 } events
            || _hub is not { State: HubConnectionState.Connected } hub)
        {
            return false;
        }
        var acks = await hub.InvokeAsync<JsonElement[]>("PushEvents", new object[] { new { subscription_id = id, events, deltas = Array.Empty<object>() } });
        if (acks[0].GetProperty("stop").GetBoolean())
        {
            _subscriptions.TryRemove(id, out _);
        }
        else
        {
            _subscriptions[id] = (place.Task, acks[0].GetProperty("acked_seq").GetInt64());
        }
        return true;
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
        var task = request.GetProperty("task_id").GetGuid();
        if (!IsOwner(task, request.GetProperty("token").GetString() ?? ""))
        {
            return new { status = 404, code = "task_not_found", detail = "There is no such task." };
        }
        _subscriptions[request.GetProperty("subscription_id").GetGuid()] = (task, request.GetProperty("after").GetInt64());
        _ = Task.Run(PushAsync);
        return new { status = 200 };
    }

    private object Execute(JsonElement request)
    {
        Executed.Enqueue(request.GetProperty("command").Clone());
        return new { type = "answer", status = 202, command_id = request.GetProperty("command").GetProperty("command_id").GetString() };
    }

    private IResult View(Guid id, HttpRequest request)
    {
        if (!IsOwner(id, request.Headers.Authorization.ToString()["Bearer ".Length..]))
        {
            return Results.Problem("There is no such task.", statusCode: 404, extensions: [new("code", "task_not_found")]);
        }
        lock (_logs[id])
        {
            var isFinal = _logs[id].Count > 0 && _logs[id][^1]["type"]?.GetValue<string>() == "task_completed";
            return Results.Json(new { task_id = id, seq = _logs[id].Count, state = isFinal ? "completed" : "running" });
        }
    }

    private IResult Events(Guid id, long after, HttpRequest request) =>
        IsOwner(id, request.Headers.Authorization.ToString()["Bearer ".Length..])
            ? Results.Json(new { events = After(id, after).Take(500) })
            : Results.NotFound();

    private JsonObject[] After(Guid task, long after)
    {
        lock (_logs[task])
        {
            return [.. _logs[task].Skip((int)after).Take(100)];
        }
    }

    private bool IsOwner(Guid task, string token) =>
        _owners.TryGetValue(task, out var owner) && new JsonWebToken(token).Subject == owner.ToString();
}
