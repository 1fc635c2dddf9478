using System.Diagnostics;
using Npgsql;

[assembly: AssemblyFixture(typeof(Steersman.ApiGateway.Tests.Support.PostgresServer))]

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>One real PostgreSQL for all tests of a run: the one that the agent embeds.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private Process? _lender;
    private string _socketDirectory = "";

    public async ValueTask InitializeAsync()
    {
        var start = new ProcessStartInfo(Repository.Python, ["-m", "tests.agent.support.lend_postgres"])
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _lender = Process.Start(start) ?? throw new InvalidOperationException("PostgreSQL cannot be started; run `make setup` first.");
        _socketDirectory = await _lender.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException("PostgreSQL did not start.");
    }

    /// <summary>How to reach a database that is not there yet.</summary>
    public string NewDatabase() => ConnectionString($"gateway_{Guid.CreateVersion7():N}");

    /// <summary>Make a database for agents; returns its URL. It goes with the server.</summary>
    public async Task<string> NewAgentDatabaseAsync()
    {
        var name = $"agent_{Guid.CreateVersion7():N}";
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE \"{name}\"", connection);
        await command.ExecuteNonQueryAsync();
        return $"postgresql://postgres@/{name}?host={Uri.EscapeDataString(_socketDirectory)}";
    }

    public async ValueTask DropAsync(string connectionString)
    {
        NpgsqlConnection.ClearAllPools();
        var name = new NpgsqlConnectionStringBuilder(connectionString).Database;
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)", connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>End all connections to a database, as a crash of the server does.</summary>
    public async Task CutAsync(string database)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = database });
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_lender is null)
        {
            return;
        }
        _lender.StandardInput.Close();
        await _lender.WaitForExitAsync();
        _lender.Dispose();
    }

    private string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = _socketDirectory,
        Username = "postgres",
        Database = database,
        MaxPoolSize = 20,
    }.ConnectionString;
}
