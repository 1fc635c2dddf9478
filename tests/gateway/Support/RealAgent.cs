using System.Diagnostics;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A real agent process that dials a gateway. Processes of one home share what is in it.</summary>
internal sealed class RealAgent : IAsyncDisposable
{
    public const string Key = "the-key-of-a-real-agent-in-tests";
    private readonly AgentHome _home;
    private readonly Process _process;

    private RealAgent(AgentHome home, Process process) => (_home, _process) = (home, process);

    public static IReadOnlyDictionary<string, string?> Settings { get; } =
        new Dictionary<string, string?>(TestGateway.WithAdmin) { ["Gateway:AgentKeys:real"] = Key };

    /// <summary>Start one in a home of its own, that answers each goal of a cassette with its recorded thoughts.</summary>
    public static RealAgent Start(Uri gateway, string cassette) => Start(gateway, new AgentHome(cassette));

    public static RealAgent Start(Uri gateway, AgentHome home, int port = 0)
    {
        home.Enter();
        return new RealAgent(home, Launch(home, gateway, port));
    }

    /// <summary>SIGKILL: it has no time for anything.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _home.Leave();
    }

    public async ValueTask DisposeAsync()
    {
        // SIGTERM, so that the last process of this home ends its database with it.
        using var term = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _home.Leave();
    }

    private static Process Launch(AgentHome home, Uri gateway, int port)
    {
        var start = new ProcessStartInfo(Repository.Python, ["-m", "steersman", "serve", "--port", $"{port}"]) { WorkingDirectory = home.Path };
        start.Environment["STEERSMAN_HOME"] = Path.Combine(home.Path, "home");
        start.Environment["STEERSMAN_MODEL"] = "scripted/" + Path.Combine(home.Path, "cassette.json");
        start.Environment["STEERSMAN_SANDBOX"] = "none";
        start.Environment["STEERSMAN_LEASE_SECONDS"] = "2";
        start.Environment["STEERSMAN_LOG_FORMAT"] = "json";
        start.Environment["STEERSMAN_GATEWAY_URL"] = gateway.ToString().TrimEnd('/');
        start.Environment["STEERSMAN_AGENT_KEY"] = Key;
        if (home.DatabaseUrl is { } url)
        {
            start.Environment["STEERSMAN_DATABASE_URL"] = url;
        }
        return Process.Start(start) ?? throw new InvalidOperationException("The agent cannot be started; run `make setup` first.");
    }
}

/// <summary>The directory of agents of one machine, removed with the last of them. Without a database they embed one.</summary>
internal sealed class AgentHome
{
    private int _agents;

    public AgentHome(string cassette, string? databaseUrl = null)
    {
        Path = Directory.CreateTempSubdirectory("steersman-gateway-tests-").FullName;
        DatabaseUrl = databaseUrl;
        File.WriteAllText(System.IO.Path.Combine(Path, "cassette.json"), cassette);
    }

    public string Path { get; }

    public string? DatabaseUrl { get; }

    public void Enter() => Interlocked.Increment(ref _agents);

    public void Leave()
    {
        if (Interlocked.Decrement(ref _agents) == 0)
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
