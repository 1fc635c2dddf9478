using System.Threading.RateLimiting;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>Bounds what one person does over hubs, whatever the number of their connections.</summary>
internal sealed class PeopleFilter : IHubFilter, IDisposable
{
    private readonly PeopleConnections _connections;
    private readonly PartitionedRateLimiter<Guid> _calls;

    public PeopleFilter(PeopleConnections connections, IOptions<GatewayOptions> options)
    {
        _connections = connections;
        var limits = options.Value.Limits;
        _calls = PartitionedRateLimiter.Create<Guid, Guid>(user => RateLimitPartition.GetTokenBucketLimiter(user, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = limits.HubCallBurst,
            TokensPerPeriod = limits.HubCallsPerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));
    }

    public Task OnConnectedAsync(HubLifetimeContext context, Func<HubLifetimeContext, Task> next)
    {
        var caller = context.Context.User ?? throw new HubException("unauthorized");
        return _connections.TryAdd(context.Context.ConnectionId, caller, context.Context.Abort)
            ? OpenAsync(context, next)
            : throw new HubException("too_many_connections: Close one of your other pages.");
    }

    private async Task OpenAsync(HubLifetimeContext context, Func<HubLifetimeContext, Task> next)
    {
        try
        {
            await next(context);
        }
        catch
        {
            // A connection that did not open is not told that it closed.
            _connections.Remove(context.Context.ConnectionId);
            throw;
        }
    }

    public Task OnDisconnectedAsync(HubLifetimeContext context, Exception? exception, Func<HubLifetimeContext, Exception?, Task> next)
    {
        _connections.Remove(context.Context.ConnectionId);
        return next(context, exception);
    }

    public ValueTask<object?> InvokeMethodAsync(HubInvocationContext invocationContext, Func<HubInvocationContext, ValueTask<object?>> next)
    {
        var caller = invocationContext.Context.User ?? throw new HubException("unauthorized");
        using var lease = _calls.AttemptAcquire(caller.UserId());
        return lease.IsAcquired ? next(invocationContext) : throw new HubException("too_many_requests: Call less often.");
    }

    public void Dispose() => _calls.Dispose();
}
