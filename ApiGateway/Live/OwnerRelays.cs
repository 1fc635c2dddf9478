using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.SignalR;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>The people whose tasks are watched as a whole, each with one subscription however many look.</summary>
internal sealed class OwnerRelays(
    AgentDirectory agents, Subscriptions subscriptions, IHubContext<AgentHub, IAgentClient> hub, AgentLog log, TokenMint mint, TimeProvider time)
{
    private static readonly TimeSpan s_pollTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(10);
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Entry> _relays = [];

    public async IAsyncEnumerable<IReadOnlyList<LogView>> WatchAsync(
        Watcher watcher, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var entry = Enter(watcher);
        try
        {
            var cursor = 0L;
            while (true)
            {
                var (views, next, news) = entry.Views.Read(cursor);
                if (views.Count > 0)
                {
                    cursor = next;
                    yield return views;
                    continue;
                }
                await news.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            await LeaveAsync(entry);
        }
    }

    private Entry Enter(Watcher watcher)
    {
        lock (_gate)
        {
            if (!_relays.TryGetValue(watcher.UserId, out var entry))
            {
                entry = _relays[watcher.UserId] = new Entry(watcher.UserId);
                entry.Run = RunAsync(entry, watcher, entry.Ended.Token);
            }
            entry.Viewers++;
            return entry;
        }
    }

    private async Task LeaveAsync(Entry entry)
    {
        lock (_gate)
        {
            if (--entry.Viewers > 0)
            {
                return;
            }
            _relays.Remove(entry.UserId);
        }
        await entry.Ended.CancelAsync();
        await entry.Run;
        entry.Ended.Dispose();
    }

    private async Task RunAsync(Entry entry, Watcher watcher, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                var change = agents.NextChange;
                await FollowAsync(entry, watcher, cancellationToken);
                using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                await Task.WhenAny(Task.Delay(s_pollTime, time, enough.Token), change);
                await enough.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Nobody looks any more.
        }
    }

    /// <summary>Watch at an agent until it goes, or look once over REST where no agent has dialled.</summary>
    private async Task FollowAsync(Entry entry, Watcher watcher, CancellationToken cancellationToken)
    {
        if (agents.Pick(null) is not { } agent)
        {
            entry.Views.Take(await log.ViewsAsync(watcher, cancellationToken));
            return;
        }
        var subscription = subscriptions.Open(agent.ConnectionId, entry);
        try
        {
            var token = await mint.ForAgentAsync(watcher, cancellationToken);
            var answer = await hub.Clients.Client(agent.ConnectionId)
                .WatchOwner(new WatchOwnerRequest(subscription.Id, token), cancellationToken).WaitAsync(s_answerTime, cancellationToken);
            if (answer.Status == StatusCodes.Status200OK)
            {
                await subscription.Ended.WaitAsync(cancellationToken);
            }
        }
        catch (Exception error) when (error is IOException or HubException or TimeoutException)
        {
            // The agent went before it answered; another one is asked in a moment.
        }
        finally
        {
            subscriptions.Close(subscription);
            if (agents.Contains(agent.ConnectionId))
            {
                await hub.Clients.Client(agent.ConnectionId).Unwatch(new UnwatchRequest(subscription.Id));
            }
        }
    }

    private sealed class Entry(Guid userId) : ISubscriber
    {
        public Guid UserId => userId;

        public OwnerViews Views { get; } = new();

        public CancellationTokenSource Ended { get; } = new();

        public Task Run { get; set; } = Task.CompletedTask;

        public int Viewers { get; set; }

        public PushAck Accept(Guid subscriptionId, EventBatch batch)
        {
            Views.Take(batch.Views ?? []);
            return new PushAck(subscriptionId, 0, Stop: false);
        }
    }
}
