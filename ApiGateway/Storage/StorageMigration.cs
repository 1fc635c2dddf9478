using Microsoft.EntityFrameworkCore;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Storage;

/// <summary>Brings the tables up to date, however long the database lets us wait, then opens the gate.</summary>
internal sealed partial class StorageMigration(
    IServiceScopeFactory scopes, StorageGate gate, TimeProvider time, ILogger<StorageMigration> logger) : BackgroundService
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    /// <summary>Try once before anything else begins, so that a start with its database has its tables when it answers.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!gate.IsOpen)
        {
            await Task.Delay(s_pause, time, stoppingToken);
            await TryAsync(stoppingToken);
        }
    }

    private async Task TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            await PrepareAsync(cancellationToken);
            gate.Open();
        }
        catch (Exception error) when (DatabaseErrors.Cause(error) is not null)
        {
            Log.DatabaseUnavailable(logger, error.Message);
        }
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<GatewayDb>();
        // EF Core holds a lock in the database meanwhile, so replicas that start together take turns.
        await db.Database.MigrateAsync(cancellationToken);
        await scope.ServiceProvider.GetRequiredService<SigningKeyRing>().CurrentAsync(cancellationToken);
        await scope.ServiceProvider.GetRequiredService<FirstUser>().EnsureAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The database cannot be used yet: {Error}")]
        public static partial void DatabaseUnavailable(ILogger logger, string error);
    }
}
