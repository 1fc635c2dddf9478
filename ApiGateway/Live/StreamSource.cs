using System.Net.ServerSentEvents;
using System.Text.Json;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// Follows a task by server-sent events over the agents' REST address: for a replica that no agent has dialled.
/// </summary>
internal sealed class StreamSource(AgentApi api)
{
    private const string EventStream = "text/event-stream";

    public bool HasAddresses => !api.Addresses.IsEmpty;

    /// <summary>Returns when the stream ends, or with what the agent said against it.</summary>
    public async Task<LiveProblem?> FollowAsync(TaskRelay relay, CancellationToken cancellationToken)
    {
        try
        {
            var path = $"tasks/{relay.TaskId}/events?after={relay.Tail.Last}";
            using var response = await api.GetAsync(path, relay.Watcher, EventStream, cancellationToken);
            if (response is null)
            {
                return new LiveProblem(StatusCodes.Status503ServiceUnavailable, "no_agent", "No agent answers; try again.");
            }
            return response.IsSuccessStatusCode
                ? await FeedAsync(relay, response, cancellationToken)
                : await AgentLog.ProblemOfAsync(response, cancellationToken);
        }
        catch (Exception error) when (error is IOException or HttpRequestException)
        {
            return new LiveProblem(StatusCodes.Status503ServiceUnavailable, "agent_unavailable", error.Message);
        }
    }

    private static async Task<LiveProblem?> FeedAsync(TaskRelay relay, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var parser = SseParser.Create(body, (_, data) => JsonElement.Parse(data));
        await foreach (var item in parser.EnumerateAsync(cancellationToken))
        {
            var fits = item.EventType == "delta"
                ? relay.Tail.Append([], [item.Data])
                : relay.Tail.Append([LogEvent.Of(item.Data)], []);
            if (!fits || relay.Tail.IsFinal)
            {
                break;
            }
        }
        return null;
    }
}
