using System.Net.ServerSentEvents;
using System.Text.Json;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// Follows a task by server-sent events over the agents' REST address: for a replica that no agent has dialled.
/// </summary>
internal sealed class StreamSource(AgentApi api, AgentDirectory agents, TimeProvider time)
{
    // The agent's comments come every 15 s.
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(45);

    /// <summary>
    /// Returns null after the final event and when an agent has dialled meanwhile, else why the stream ended. Throws
    /// <see cref="LiveException"/> when it does not begin.
    /// </summary>
    public async Task<LiveProblem?> FollowAsync(TaskRelay relay, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var path = $"tasks/{relay.TaskId}/events?after={relay.Tail.Last}";
        using var response = await api.OpenAsync(path, relay.Watcher, cancellationToken);
        var feed = FeedAsync(relay, response, enough.Token);
        await Task.WhenAny(feed, DialledAsync(enough.Token));
        var isDialled = !feed.IsCompleted;
        await enough.CancelAsync();
        try
        {
            await feed;
        }
        catch (Exception error) when (error is IOException or HttpRequestException or TimeoutException)
        {
            return LiveProblem.AgentGone;
        }
        catch (OperationCanceledException) when (isDialled && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        return relay.Tail.IsFinal ? null : LiveProblem.AgentGone;
    }

    private async Task FeedAsync(TaskRelay relay, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = new ImpatientStream(await response.Content.ReadAsStreamAsync(cancellationToken), s_silence, time);
        var parser = SseParser.Create(body, (_, data) => JsonElement.Parse(data));
        await foreach (var item in parser.EnumerateAsync(cancellationToken))
        {
            var fits = item.EventType == "delta"
                ? relay.Tail.Append([], [item.Data])
                : relay.Tail.Append([LogEvent.Of(item.Data)], []);
            if (!fits || relay.Tail.IsFinal)
            {
                return;
            }
        }
    }

    /// <summary>The bridge is the better way as soon as there is one.</summary>
    private async Task DialledAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = agents.NextChange;
            if (!agents.IsEmpty)
            {
                return;
            }
            await change.WaitAsync(cancellationToken);
        }
    }
}
