using System.Runtime.CompilerServices;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>The people whose tasks are watched as a whole, each with one subscription however many look.</summary>
internal sealed class OwnerRelays(OwnerSource source)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, OwnerRelay> _relays = [];

    public async IAsyncEnumerable<IReadOnlyList<LogView>> WatchAsync(
        Watcher watcher, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var relay = Enter(watcher);
        try
        {
            var cursor = 0L;
            while (true)
            {
                var (views, next, news) = relay.Views.Read(cursor);
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
            await LeaveAsync(relay);
        }
    }

    private OwnerRelay Enter(Watcher watcher)
    {
        lock (_gate)
        {
            if (!_relays.TryGetValue(watcher.UserId, out var relay))
            {
                relay = _relays[watcher.UserId] = new OwnerRelay(watcher, source);
            }
            relay.Viewers++;
            return relay;
        }
    }

    private async Task LeaveAsync(OwnerRelay relay)
    {
        lock (_gate)
        {
            if (--relay.Viewers > 0)
            {
                return;
            }
            _relays.Remove(relay.Watcher.UserId);
        }
        await relay.DisposeAsync();
    }
}
