using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Agents;

/// <summary>Where agents connect. Nothing here waits for a viewer or for the database.</summary>
[Authorize(Policy = Policies.Agent)]
internal sealed partial class AgentHub(AgentDirectory agents, Subscriptions subscriptions, AgentConnections connections, ILogger<AgentHub> logger)
    : Hub<IAgentClient>
{
    private const int MaxBatchBytes = 64 * 1024;
    private const int HeartbeatSeconds = 5;

    private string Name => Context.User?.FindFirst(Claims.Subject)?.Value ?? "?";

    public override Task OnConnectedAsync()
    {
        connections.Add(Context.ConnectionId, Name, Context.Abort);
        return base.OnConnectedAsync();
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        connections.Remove(Context.ConnectionId);
        if (agents.Contains(Context.ConnectionId))
        {
            agents.Remove(Context.ConnectionId);
            Log.AgentLost(logger, Name, exception?.Message ?? "it hung up");
        }
        subscriptions.NoteLost(Context.ConnectionId);
        return base.OnDisconnectedAsync(exception);
    }

    /// <summary>From now on the agent is asked.</summary>
    public AgentWelcome Register(AgentHello hello)
    {
        ArgumentNullException.ThrowIfNull(hello);
        agents.Add(Context.ConnectionId, Name, hello);
        Log.AgentRegistered(logger, Name, hello.WorkerId, hello.Version);
        return new AgentWelcome(Context.ConnectionId, MaxBatchBytes, HeartbeatSeconds);
    }

    public void Heartbeat(AgentStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        agents.Note(Context.ConnectionId, status);
    }

    public PushAck[] PushEvents(EventBatch[] batches)
    {
        ArgumentNullException.ThrowIfNull(batches);
        return [.. batches.Select(batch => subscriptions.Accept(Context.ConnectionId, batch))];
    }

    public void WatchEnded(WatchEnd end)
    {
        ArgumentNullException.ThrowIfNull(end);
        subscriptions.End(Context.ConnectionId, end);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "action=agent_registered agent={Agent} worker_id={WorkerId} version={Version}")]
        public static partial void AgentRegistered(ILogger logger, string agent, string workerId, string version);

        [LoggerMessage(LogLevel.Warning, "action=agent_lost agent={Agent} reason={Reason}")]
        public static partial void AgentLost(ILogger logger, string agent, string reason);
    }
}
