using Microsoft.AspNetCore.SignalR;

namespace Steersman.ApiGateway.Agents;

/// <summary>Says something to one agent, and does not wait for ever for one that hangs.</summary>
internal sealed class AgentLine(AgentDirectory agents, IHubContext<AgentHub, IAgentClient> hub, TimeProvider time)
{
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(10);

    /// <summary>Its answer; null when it went, hangs or cannot answer. Whether it did what it was asked is unknown then.</summary>
    public async Task<T?> AskAsync<T>(string connectionId, Func<IAgentClient, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(s_answerTime, time);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await ask(hub.Clients.Client(connectionId), enough.Token);
        }
        catch (Exception error) when (error is IOException or HubException || (error is OperationCanceledException && limit.IsCancellationRequested))
        {
            cancellationToken.ThrowIfCancellationRequested();
            return default;
        }
    }

    /// <summary>End a subscription at an agent that is still here.</summary>
    public async Task UnwatchAsync(Subscription subscription)
    {
        if (!agents.Contains(subscription.ConnectionId))
        {
            return;
        }
        using var limit = new CancellationTokenSource(s_answerTime, time);
        try
        {
            await hub.Clients.Client(subscription.ConnectionId).Unwatch(new UnwatchRequest(subscription.Id), limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // It takes nothing. If it ever pushes again, it is told to stop.
        }
    }
}
