using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>Follows a task at one agent that has dialled this replica.</summary>
internal sealed class BridgeSource(AgentDirectory agents, Subscriptions subscriptions, AgentLine line, TokenMint mint)
{
    /// <summary>
    /// Returns null when another agent, none of <paramref name="failed"/>, runs the task, or when nothing more comes; else what
    /// ended it.
    /// </summary>
    public async Task<LiveProblem?> FollowAsync(
        TaskRelay relay, ConnectedAgent agent, IReadOnlySet<string> failed, CancellationToken cancellationToken)
    {
        var subscription = subscriptions.Open(agent.ConnectionId, relay);
        try
        {
            var token = await mint.ForAgentAsync(relay.Watcher, cancellationToken);
            var request = new WatchRequest(subscription.Id, relay.TaskId, relay.Tail.Last, token);
            return await line.AskAsync(agent.ConnectionId, (client, enough) => client.Watch(request, enough), cancellationToken) switch
            {
                null => LiveProblem.AgentGone,
                { Status: StatusCodes.Status200OK } => await UntilOverAsync(relay, subscription, failed, cancellationToken),
                var refusal => LiveProblem.Of(refusal),
            };
        }
        finally
        {
            subscriptions.Close(subscription);
            if (!relay.Tail.IsFinal)
            {
                await line.UnwatchAsync(subscription);
            }
        }
    }

    private async Task<LiveProblem?> UntilOverAsync(
        TaskRelay relay, Subscription subscription, IReadOnlySet<string> failed, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = agents.NextChange;
            if (ShouldMove(relay.TaskId, subscription.ConnectionId, failed))
            {
                return null;
            }
            await Task.WhenAny(subscription.Ended, change).WaitAsync(cancellationToken);
            if (subscription.Ended.IsCompleted)
            {
                var end = await subscription.Ended;
                return end is not null ? LiveProblem.Of(end) : relay.Tail.IsFinal ? null : LiveProblem.AgentGone;
            }
        }
    }

    /// <summary>Whether another agent runs the task: only that one surely has the text that streams.</summary>
    private bool ShouldMove(Guid taskId, string connectionId, IReadOnlySet<string> failed) =>
        agents.Pick(taskId, failed) is { } best && best.ConnectionId != connectionId && best.Runs(taskId)
        && !agents.Runs(connectionId, taskId);
}
