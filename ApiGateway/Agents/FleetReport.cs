using System.Data.Common;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Agents;

/// <summary>Says to the other replicas which agents are here, and hears of theirs.</summary>
internal sealed partial class FleetReport(
    Fleet fleet, Replica replica, StorageGate gate, IServiceScopeFactory scopes, TimeProvider time, ILogger<FleetReport> logger) : BackgroundService
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions s_columns = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    // What was read or said later must not be overtaken by what was earlier.
    private readonly SemaphoreSlim _turn = new(1);

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await gate.Opened.WaitAsync(stoppingToken);
        try
        {
            await RepeatAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Nobody is connected to a process that ends; the others need not wait a minute to know.
            using var limit = new CancellationTokenSource(s_pause, time);
            await TryAsync(() => LeaveAsync(limit.Token));
        }
    }

    private async Task RepeatAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_pause, time);
        do
        {
            await TryAsync(() => ExchangeAsync(stoppingToken));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Once, and now: the loop is for those who do not ask.</summary>
    public async Task ExchangeAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<GatewayDb>();
            await ReportAsync(db, fleet.Own, cancellationToken);
            fleet.NoteOthers(await db.Fleet.AsNoTracking().Where(member => member.Gateway != replica.Name).ToListAsync(cancellationToken));
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>One statement: rows of ours that are not said any more go with those of replicas that have been silent for a minute.</summary>
    private async Task ReportAsync(GatewayDb db, IReadOnlyList<FleetMember> own, CancellationToken cancellationToken)
    {
        // PostgreSQL's texts hold no NUL, and one strange agent must not hide the others.
        var rows = JsonSerializer.Serialize(own, s_columns).Replace(@"\u0000", @"\uFFFD", StringComparison.Ordinal);
        await db.Database.ExecuteSqlAsync($"""
            WITH own AS (
              SELECT * FROM jsonb_to_recordset({rows}::jsonb) AS said (
                worker_id text, name text, version text, contract_version integer, roles text[], capacity integer,
                state text, active_tasks uuid[], url text, heartbeat_at timestamptz)
            ), gone AS (
              DELETE FROM fleet
               WHERE CASE WHEN gateway = {replica.Name} THEN worker_id NOT IN (SELECT worker_id FROM own)
                          ELSE reported_at < now() - interval '1 minute' END
            )
            INSERT INTO fleet (worker_id, gateway, name, version, contract_version, roles, capacity,
                               state, active_tasks, url, heartbeat_at, reported_at)
            SELECT worker_id, {replica.Name}, name, version, contract_version, roles, capacity,
                   state, active_tasks, url, heartbeat_at, now()
              FROM own
            ON CONFLICT (worker_id, gateway) DO UPDATE
               SET (name, version, contract_version, roles, capacity, state, active_tasks, url, heartbeat_at, reported_at)
                 = (EXCLUDED.name, EXCLUDED.version, EXCLUDED.contract_version, EXCLUDED.roles, EXCLUDED.capacity,
                    EXCLUDED.state, EXCLUDED.active_tasks, EXCLUDED.url, EXCLUDED.heartbeat_at, EXCLUDED.reported_at)
            """, cancellationToken);
    }

    private async Task LeaveAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        await ReportAsync(scope.ServiceProvider.GetRequiredService<GatewayDb>(), [], cancellationToken);
    }

    private async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception error) when (error is DbException or InvalidOperationException { InnerException: DbException })
        {
            // Agents that are connected here are known all the same; the others are as they last were.
            Log.ReportFailed(logger, error.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "action=fleet_report_failed error={Error}")]
        public static partial void ReportFailed(ILogger logger, string error);
    }
}
