using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>Where the views of a person's tasks come from: an agent that has dialled, else a look over REST now and then.</summary>
internal sealed partial class OwnerSource(
    AgentDirectory agents, Subscriptions subscriptions, AgentLine line, AgentLog log, TokenMint mint, TimeProvider time, ILogger<OwnerSource> logger)
{
    private static readonly TimeSpan s_pollTime = TimeSpan.FromSeconds(2);

    /// <summary>Feed a relay until it is cancelled.</summary>
    public async Task FollowAsync(OwnerRelay relay, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = agents.NextChange;
            try
            {
                await FollowOneAsync(relay, cancellationToken);
            }
            catch (LiveException error)
            {
                Log.Retrying(logger, error.Problem.Code);
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                // A boundary: whatever fails on the way to one person's tasks is tried again.
                Log.Failed(logger, error);
            }
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(Task.Delay(s_pollTime, time, enough.Token), change);
            await enough.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private async Task FollowOneAsync(OwnerRelay relay, CancellationToken cancellationToken)
    {
        if (agents.Pick(null) is not { } agent)
        {
            relay.Views.Take(await log.ViewsAsync(relay.Watcher, cancellationToken));
            return;
        }
        var subscription = subscriptions.Open(agent.ConnectionId, relay);
        try
        {
            var request = new WatchOwnerRequest(subscription.Id, await mint.ForAgentAsync(relay.Watcher, cancellationToken));
            var answer = await line.AskAsync(agent.ConnectionId, (client, enough) => client.WatchOwner(request, enough), cancellationToken);
            if (answer is { Status: StatusCodes.Status200OK })
            {
                await subscription.Ended.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            subscriptions.Close(subscription);
            await line.UnwatchAsync(subscription);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "action=owner_watch_retried reason={Reason}")]
        public static partial void Retrying(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Error, "action=owner_watch_failed")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
