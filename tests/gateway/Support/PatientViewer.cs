using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A client as the page is one: it connects again for as long as it takes, and goes on behind the last event that it has seen.</summary>
internal sealed class PatientViewer(Uri gateway, Browser browser) : IAsyncDisposable
{
    private Viewer? _viewer;
    private long _seen;

    /// <summary>How often it had to connect.</summary>
    public int Connections { get; private set; }

    /// <summary>Events that have come so far.</summary>
    public long Seen => Interlocked.Read(ref _seen);

    /// <summary>Watch a task to its end; returns its events as they came.</summary>
    public async Task<List<JsonElement>> WatchAsync(Guid task, CancellationToken cancellationToken)
    {
        var events = new List<JsonElement>();
        while (true)
        {
            try
            {
                var viewer = await ConnectedAsync(cancellationToken);
                var after = events.Count == 0 ? 0 : events[^1].GetProperty("seq").GetInt64();
                await foreach (var batch in viewer.BatchesAsync(task, after, cancellationToken))
                {
                    events.AddRange(batch.GetProperty("events").EnumerateArray());
                    Interlocked.Add(ref _seen, batch.GetProperty("events").GetArrayLength());
                }
                return events;
            }
            catch (Exception error) when (IsOutage(error))
            {
                await HangUpAsync(cancellationToken);
            }
        }
    }

    /// <summary>Have a command executed, with the same id until there is an answer.</summary>
    public async Task<JsonElement> ExecuteAsync(object command, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var answer = await (await ConnectedAsync(cancellationToken)).Hub.InvokeAsync<JsonElement>("Execute", command, cancellationToken);
                if (answer.GetProperty("status").GetInt32() < 500)
                {
                    return answer;
                }
                await Task.Delay(Pause(), cancellationToken);
            }
            catch (Exception error) when (IsOutage(error))
            {
                await HangUpAsync(cancellationToken);
            }
        }
    }

    public ValueTask DisposeAsync() => _viewer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task<Viewer> ConnectedAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_viewer is null)
        {
            _viewer = await Viewer.ConnectAsync(gateway, browser);
            Connections++;
        }
        return _viewer;
    }

    private async Task HangUpAsync(CancellationToken cancellationToken)
    {
        await DisposeAsync();
        _viewer = null;
        await Task.Delay(Pause(), cancellationToken);
    }

    private static TimeSpan Pause() => TimeSpan.FromMilliseconds(50 + Random.Shared.Next(200));

    // What a process that is killed does to its clients; that a task is not there would be no outage, and fails the test.
    private static bool IsOutage(Exception error) =>
        error is IOException or HttpRequestException or SocketException or System.Net.WebSockets.WebSocketException or InvalidOperationException or TimeoutException
        || (error is TaskCanceledException { InnerException: not null } or OperationCanceledException { CancellationToken.IsCancellationRequested: false });
}
