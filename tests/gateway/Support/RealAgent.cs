using System.Diagnostics;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A real agent process that dials a gateway, on the PostgreSQL that it embeds, in a home of its own.</summary>
internal sealed class RealAgent : IAsyncDisposable
{
    public const string Key = "the-key-of-a-real-agent-in-tests";
    private readonly string _home;
    private readonly Process _process;

    private RealAgent(string home, Process process) => (_home, _process) = (home, process);

    public static IReadOnlyDictionary<string, string?> Settings { get; } =
        new Dictionary<string, string?>(TestGateway.WithAdmin) { ["Gateway:AgentKeys:real"] = Key };

    /// <summary>Start one that answers each goal of a cassette with its recorded thoughts.</summary>
    public static RealAgent Start(Uri gateway, string cassette)
    {
        var home = Directory.CreateTempSubdirectory("steersman-gateway-tests-").FullName;
        File.WriteAllText(Path.Combine(home, "cassette.json"), cassette);
        return new RealAgent(home, Launch(home, gateway));
    }

    public async ValueTask DisposeAsync()
    {
        // SIGTERM, so that the last process of this home ends the database with it.
        using var term = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    private static Process Launch(string home, Uri gateway)
    {
        var start = new ProcessStartInfo(Repository.Python, ["-m", "steersman", "serve", "--port", "0"]) { WorkingDirectory = home };
        start.Environment["STEERSMAN_HOME"] = Path.Combine(home, "home");
        start.Environment["STEERSMAN_MODEL"] = "scripted/" + Path.Combine(home, "cassette.json");
        start.Environment["STEERSMAN_SANDBOX"] = "none";
        start.Environment["STEERSMAN_LEASE_SECONDS"] = "2";
        start.Environment["STEERSMAN_LOG_FORMAT"] = "json";
        start.Environment["STEERSMAN_GATEWAY_URL"] = gateway.ToString().TrimEnd('/');
        start.Environment["STEERSMAN_AGENT_KEY"] = Key;
        return Process.Start(start) ?? throw new InvalidOperationException("The agent cannot be started; run `make setup` first.");
    }
}
