using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>A person's open connection, and how much it watches.</summary>
internal sealed class PersonConnection(ClaimsPrincipal caller, Action abort)
{
    private int _watches;

    public ClaimsPrincipal Caller => caller;

    /// <summary>What decides whether its session still stands: many connections share it.</summary>
    public (Guid UserId, string? Stamp, Guid? GrantId) Session { get; } =
        (caller.UserId(), caller.FindFirstValue(Claims.Stamp), caller.GrantId());

    public void Abort() => abort();

    public bool TryBeginWatch(int limit)
    {
        if (Interlocked.Increment(ref _watches) <= limit)
        {
            return true;
        }
        EndWatch();
        return false;
    }

    public void EndWatch() => Interlocked.Decrement(ref _watches);
}

/// <summary>The open connections of people. One whose session has ended is closed: at once when that happened here, else within seconds.</summary>
internal sealed partial class PeopleConnections(
    UserStates states, IOptions<GatewayOptions> options, TimeProvider time, ILogger<PeopleConnections> logger) : BackgroundService
{
    private static readonly TimeSpan s_sweepTime = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, PersonConnection> _open = new();
    private readonly ConcurrentDictionary<Guid, PersonConnection> _held = new();
    private readonly Dictionary<Guid, int> _perUser = [];
    private readonly Lock _gate = new();
    private TaskCompletionSource _change = NewChange();

    /// <summary>False when this person has too many.</summary>
    public bool TryAdd(string connectionId, ClaimsPrincipal caller, Action abort)
    {
        var connection = new PersonConnection(caller, abort);
        lock (_gate)
        {
            var count = _perUser.GetValueOrDefault(connection.Session.UserId);
            if (count >= options.Value.Limits.ConnectionsPerUser)
            {
                return false;
            }
            _perUser[connection.Session.UserId] = count + 1;
        }
        _open[connectionId] = connection;
        return true;
    }

    public void Remove(string connectionId)
    {
        if (!_open.TryRemove(connectionId, out var connection))
        {
            return;
        }
        lock (_gate)
        {
            if (--_perUser[connection.Session.UserId] == 0)
            {
                _perUser.Remove(connection.Session.UserId);
            }
        }
    }

    /// <summary>How many a person has open.</summary>
    public int Count(Guid userId)
    {
        lock (_gate) { return _perUser.GetValueOrDefault(userId); }
    }

    public PersonConnection? Find(string connectionId) => _open.GetValueOrDefault(connectionId);

    /// <summary>End a request that lasts, such as a forwarded stream, when its session does. Not counted: most requests are short.</summary>
    public Held Hold(ClaimsPrincipal caller, Action abort)
    {
        var id = Guid.CreateVersion7();
        _held[id] = new PersonConnection(caller, abort);
        return new Held(this, id);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        states.Changed += Wake;
        try
        {
            while (true)
            {
                var change = Volatile.Read(ref _change).Task;
                await SweepAsync(stoppingToken);
                using var enough = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                await Task.WhenAny(Task.Delay(s_sweepTime, time, enough.Token), change);
                await enough.CancelAsync();
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            states.Changed -= Wake;
        }
    }

    private void Wake(Guid userId) => Interlocked.Exchange(ref _change, NewChange()).TrySetResult();

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        foreach (var session in _open.Values.Concat(_held.Values).GroupBy(connection => connection.Session))
        {
            try
            {
                if (!await states.IsCurrentAsync(session.First().Caller, cancellationToken))
                {
                    CloseAll(session);
                }
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                // A boundary: while the database does not answer nobody is sent away, and the gateway must not end.
                Log.NotSwept(logger, error);
                return;
            }
        }
    }

    private static void CloseAll(IEnumerable<PersonConnection> connections)
    {
        foreach (var connection in connections)
        {
            connection.Abort();
        }
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal readonly struct Held(PeopleConnections owner, Guid id) : IDisposable
    {
        public void Dispose() => owner._held.TryRemove(id, out _);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "action=sessions_not_checked")]
        public static partial void NotSwept(ILogger logger, Exception error);
    }
}
