using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Storage;

/// <summary>Brings the tables up to date, however long the database lets us wait, then opens the gate.</summary>
internal sealed partial class StorageMigration(
    IServiceScopeFactory scopes, IConfiguration configuration, StorageGate gate, TimeProvider time, ILogger<StorageMigration> logger) : BackgroundService
{
    /// <summary>Of the advisory lock that replicas take in turn; any number that nobody else uses.</summary>
    private const long Turn = 0x57EE_5A17;

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    /// <summary>What PostgreSQL says when somebody else creates the same database at this moment.</summary>
    private static readonly string[] s_created = [PostgresErrorCodes.DuplicateDatabase, PostgresErrorCodes.UniqueViolation, PostgresErrorCodes.ObjectInUse];

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

    /// <summary>
    /// Replicas that start together take turns with all of it. EF Core's own lock ends with its first migration, and keys
    /// that two make at once would each be unknown to the other.
    /// </summary>
    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<GatewayDb>();
        await CreateAsync(db.GetService<IRelationalDatabaseCreator>(), cancellationToken);
        await using var turn = await TakeTurnAsync(cancellationToken);
        await db.Database.MigrateAsync(cancellationToken);
        await scope.ServiceProvider.GetRequiredService<SigningKeyRing>().CurrentAsync(cancellationToken);
        await scope.ServiceProvider.GetRequiredService<FirstUser>().EnsureAsync(cancellationToken);
    }

    private static async Task CreateAsync(IRelationalDatabaseCreator creator, CancellationToken cancellationToken)
    {
        if (await creator.ExistsAsync(cancellationToken))
        {
            return;
        }
        try
        {
            await creator.CreateAsync(cancellationToken);
        }
        catch (PostgresException error) when (s_created.Contains(error.SqlState))
        {
            // Another replica made it meanwhile, which is as good.
        }
    }

    /// <summary>The lock lasts as long as the connection, which is therefore not one of a pool.</summary>
    private async Task<NpgsqlConnection> TakeTurnAsync(CancellationToken cancellationToken)
    {
        var database = new NpgsqlConnectionStringBuilder(configuration.GetConnectionString(StorageSetup.ConnectionName)) { Pooling = false };
        var connection = new NpgsqlConnection(database.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SELECT pg_advisory_lock($1)", connection) { Parameters = { new() { Value = Turn } } };
            await command.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The database cannot be used yet: {Error}")]
        public static partial void DatabaseUnavailable(ILogger logger, string error);
    }
}
