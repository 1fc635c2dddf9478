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
    AgentDirectory agents, BridgeSource bridge, StreamSource stream, TimeProvider time, ILogger<LiveSource> logger) : ILiveSource
{
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(50);

    public async Task<LiveProblem?> FollowAsync(TaskRelay relay, CancellationToken cancellationToken)
    {
        var pause = s_firstPause;
        while (!relay.Tail.IsFinal)
        {
            var change = agents.NextChange;
            var before = relay.Tail.Last;
            var problem = await FollowOneAsync(relay, cancellationToken);
            if (problem is { IsPassing: false })
            {
                return problem;
            }
            if (relay.Tail.Last > before)
            {
                pause = s_firstPause;
                continue;
            }
            Log.Retrying(logger, relay.TaskId, problem?.Code ?? "agent_gone");
            await PauseAsync(pause, change, cancellationToken);
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }
        return null;
    }

    private Task<LiveProblem?> FollowOneAsync(TaskRelay relay, CancellationToken cancellationToken)
    {
        if (agents.Pick(relay.TaskId) is { } agent)
        {
            return bridge.FollowAsync(relay, agent, cancellationToken);
        }
        return stream.HasAddresses ? stream.FollowAsync(relay, cancellationToken) : Task.FromResult<LiveProblem?>(null);
    }

    /// <summary>Wait a little, with jitter, but no longer than until an agent comes.</summary>
    private async Task PauseAsync(TimeSpan pause, Task change, CancellationToken cancellationToken)
    {
        var jittered = pause * (0.5 + Random.Shared.NextDouble());
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(Task.Delay(jittered, time, enough.Token), change);
        await enough.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "action=watch_retried task_id={TaskId} reason={Reason}")]
        public static partial void Retrying(ILogger logger, Guid taskId, string reason);
    }
}
