using System.Collections.Concurrent;

namespace Steersman.ApiGateway.Agents;

/// <summary>Who takes what an agent pushes. Called from the hub: must not wait.</summary>
internal interface ISubscriber
{
    PushAck Accept(Guid subscriptionId, EventBatch batch);
}

/// <summary>One subscription at one agent; <see cref="Ended"/> says why it is over.</summary>
internal sealed class Subscription(Guid id, string connectionId, ISubscriber subscriber)
{
    private readonly TaskCompletionSource<WatchEnd?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Guid Id => id;

    public string ConnectionId => connectionId;

    public ISubscriber Subscriber => subscriber;

    /// <summary>Null: the agent is gone, or it was stopped from here.</summary>
    public Task<WatchEnd?> Ended => _ended.Task;

    public void End(WatchEnd? end) => _ended.TrySetResult(end);
}

/// <summary>The subscriptions that this replica has at agents.</summary>
internal sealed class Subscriptions
{
    private readonly ConcurrentDictionary<Guid, Subscription> _open = new();

    public Subscription Open(string connectionId, ISubscriber subscriber)
    {
        var subscription = new Subscription(Guid.CreateVersion7(), connectionId, subscriber);
        _open[subscription.Id] = subscription;
        return subscription;
    }

    public void Close(Subscription subscription)
    {
        _open.TryRemove(subscription.Id, out _);
        subscription.End(null);
    }

    public PushAck Accept(string connectionId, EventBatch batch)
    {
        if (!_open.TryGetValue(batch.SubscriptionId, out var subscription) || subscription.ConnectionId != connectionId)
        {
            return new PushAck(batch.SubscriptionId, 0, Stop: true);
        }
        var ack = subscription.Subscriber.Accept(batch.SubscriptionId, batch);
        if (ack.Stop)
        {
            Close(subscription);
        }
        return ack;
    }

    public void End(string connectionId, WatchEnd end)
    {
        if (_open.TryGetValue(end.SubscriptionId, out var subscription) && subscription.ConnectionId == connectionId)
        {
            _open.TryRemove(end.SubscriptionId, out _);
            subscription.End(end);
        }
    }

    public void NoteLost(string connectionId)
    {
        foreach (var subscription in _open.Values.Where(subscription => subscription.ConnectionId == connectionId))
        {
            Close(subscription);
        }
    }
}
