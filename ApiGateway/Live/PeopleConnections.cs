using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>The open connections of people. One whose session has ended is closed: at once when that happened here, else within seconds.</summary>
internal sealed class PeopleConnections(UserStates states, IOptions<GatewayOptions> options, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan s_sweepTime = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, Connection> _open = new();

    /// <summary>False when this person has too many.</summary>
    public bool TryAdd(string connectionId, ClaimsPrincipal caller, Action abort)
    {
        _open[connectionId] = new Connection(caller, caller.UserId(), abort);
        return _open.Values.Count(connection => connection.UserId == caller.UserId()) <= options.Value.Limits.ConnectionsPerUser;
    }

    public void Remove(string connectionId) => _open.TryRemove(connectionId, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var sweep = new PeriodicTimer(s_sweepTime, time);
        using var changed = new SemaphoreSlim(0);
        void Wake(Guid _) => changed.Release();
        states.Changed += Wake;
        try
        {
            var tick = sweep.WaitForNextTickAsync(stoppingToken).AsTask();
            var wake = changed.WaitAsync(stoppingToken);
            while (!stoppingToken.IsCancellationRequested)
            {
                await await Task.WhenAny(tick, wake);
                tick = tick.IsCompleted ? sweep.WaitForNextTickAsync(stoppingToken).AsTask() : tick;
                wake = wake.IsCompleted ? changed.WaitAsync(stoppingToken) : wake;
                await SweepAsync(stoppingToken);
            }
        }
        finally
        {
            states.Changed -= Wake;
        }
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (var person in _open.Values.GroupBy(connection => (connection.UserId, connection.Caller.FindFirstValue(Claims.Stamp), connection.Caller.FindFirstValue(Claims.TokenId))))
        {
            if (await states.IsCurrentAsync(person.First().Caller, cancellationToken))
            {
                continue;
            }
            foreach (var connection in person)
            {
                connection.Abort();
            }
        }
    }

    private sealed record Connection(ClaimsPrincipal Caller, Guid UserId, Action Abort);
}
