using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// Follows a task through whichever agent there is:
/// <list type="number">
/// <item>agents that have dialled this replica, the one that runs the task first;</item>
/// <item>else the agents' REST addresses, by server-sent events;</item>
/// <item>else it waits for an agent.</item>
/// </list>
/// </summary>
internal sealed partial class LiveSource(
    AgentDirectory agents, BridgeSource bridge, StreamSource stream, TimeProvider time, ILogger<LiveSource> logger)
{
    /// <summary>
    /// Feed a relay from its tail's last event on, across agents that come and go. Returns null after the final event, and
    /// else what ended it for good.
    /// </summary>
    public async Task<LiveProblem?> FollowAsync(TaskRelay relay, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(time);
        var failed = new HashSet<string>(StringComparer.Ordinal);
        while (!relay.Tail.IsFinal)
        {
            var change = agents.NextChange;
            var before = relay.Tail.Last;
            var agent = agents.Pick(relay.TaskId, failed);
            var problem = await TryAsync(relay, agent, failed, cancellationToken);
            if (problem is { IsPassing: false })
            {
                return problem;
            }
            if (relay.Tail.Last > before || problem is null)
            {
                failed.Clear();
                backoff.Reset();
                continue;
            }
            Log.Retrying(logger, relay.TaskId, problem.Code);
            if (agent is not null && failed.Add(agent.ConnectionId) && agents.Pick(relay.TaskId, failed) is not null)
            {
                continue; // another agent may be able to
            }
            failed.Clear();
            await backoff.PauseAsync(change, cancellationToken);
        }
        return null;
    }

    private async Task<LiveProblem?> TryAsync(
        TaskRelay relay, ConnectedAgent? agent, HashSet<string> failed, CancellationToken cancellationToken)
    {
        try
        {
            return agent is not null
                ? await bridge.FollowAsync(relay, agent, failed, cancellationToken)
                : await stream.FollowAsync(relay, cancellationToken);
        }
        catch (LiveException error)
        {
            return error.Problem;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // A boundary: whatever fails on the way to one task, such as the database of the keys, its viewers wait and it is tried again.
            Log.Failed(logger, error, relay.TaskId);
            return LiveProblem.NoAgent;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "action=watch_retried task_id={TaskId} reason={Reason}")]
        public static partial void Retrying(ILogger logger, Guid taskId, string reason);

        [LoggerMessage(LogLevel.Error, "action=watch_failed task_id={TaskId}")]
        public static partial void Failed(ILogger logger, Exception error, Guid taskId);
    }
}
