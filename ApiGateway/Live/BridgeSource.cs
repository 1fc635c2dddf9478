using Microsoft.AspNetCore.SignalR;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>Follows a task at one agent that has dialled this replica.</summary>
internal sealed class BridgeSource(
    AgentDirectory agents, Subscriptions subscriptions, IHubContext<AgentHub, IAgentClient> hub, TokenMint mint)
{
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(10);

    /// <summary>Returns when the agent goes, when another one runs the task, or with what the agent said against it.</summary>
    public async Task<LiveProblem?> FollowAsync(TaskRelay relay, ConnectedAgent agent, CancellationToken cancellationToken)
    {
        var subscription = subscriptions.Open(agent.ConnectionId, relay);
        try
        {
            var answer = await AskAsync(relay, subscription, cancellationToken);
            if (answer.Status != StatusCodes.Status200OK)
            {
                return LiveProblem.Of(answer);
            }
            return await UntilOverAsync(relay, subscription, cancellationToken) is { } end ? LiveProblem.Of(end) : null;
        }
        catch (Exception error) when (error is IOException or HubException or TimeoutException)
        {
            return new LiveProblem(StatusCodes.Status503ServiceUnavailable, "agent_unavailable", error.Message);
        }
        finally
        {
            subscriptions.Close(subscription);
            if (agents.Contains(agent.ConnectionId) && !relay.Tail.IsFinal)
            {
                await hub.Clients.Client(agent.ConnectionId).Unwatch(new UnwatchRequest(subscription.Id));
            }
        }
    }

    private async Task<WatchAnswer> AskAsync(TaskRelay relay, Subscription subscription, CancellationToken cancellationToken)
    {
        var token = await mint.ForAgentAsync(relay.Watcher, cancellationToken);
        var request = new WatchRequest(subscription.Id, relay.TaskId, relay.Tail.Last, token);
        var answer = hub.Clients.Client(subscription.ConnectionId).Watch(request, cancellationToken);
        return await answer.WaitAsync(s_answerTime, cancellationToken);
    }

    private async Task<WatchEnd?> UntilOverAsync(TaskRelay relay, Subscription subscription, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = agents.NextChange;
            if (ShouldMove(relay.TaskId, subscription.ConnectionId))
            {
                return null;
            }
            var first = await Task.WhenAny(subscription.Ended, change).WaitAsync(cancellationToken);
            if (first == subscription.Ended)
            {
                return await subscription.Ended;
            }
        }
    }

    /// <summary>Whether another agent runs the task: only that one surely has the text that streams.</summary>
    private bool ShouldMove(Guid taskId, string connectionId) =>
        agents.Pick(taskId) is { } best && best.ConnectionId != connectionId && best.Runs(taskId)
        && !agents.All.Any(agent => agent.ConnectionId == connectionId && agent.Runs(taskId));
}
