using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>The gateway as a process of its own, started from what was built, always on the same port.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private readonly IReadOnlyDictionary<string, string?> _settings;
    private Process? _process;

    private GatewayProcess(IReadOnlyDictionary<string, string?> settings) => _settings = settings;

    public Uri Url { get; } = new($"http://127.0.0.1:{FreePort()}");

    /// <summary>The memory that it holds now.</summary>
    public long ResidentBytes
    {
        get
        {
            _process?.Refresh();
            return _process?.WorkingSet64 ?? 0;
        }
    }

    public static async Task<GatewayProcess> StartAsync(string database, IReadOnlyDictionary<string, string?> settings)
    {
        var gateway = new GatewayProcess(new Dictionary<string, string?>(settings) { ["ConnectionStrings:gatewaydb"] = database });
        gateway.Start();
        await gateway.ReadyAsync();
        return gateway;
    }

    /// <summary>SIGKILL, and start again.</summary>
    public async Task KillAsync()
    {
        await DisposeAsync();
        Start();
    }

    /// <summary>Completes when it answers that it is ready.</summary>
    public async Task ReadyAsync()
    {
        using var http = new HttpClient { BaseAddress = Url };
        var waited = Stopwatch.StartNew();
        while (true)
        {
            Assert.True(waited.Elapsed < TimeSpan.FromMinutes(1), "the gateway does not get ready");
            try
            {
                using var answer = await http.GetAsync("/health/ready");
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
        _process = null;
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Start()
    {
        // The same configuration and framework as these tests were built with.
        var output = Path.GetRelativePath(Path.Combine(Repository.Root, "tests", "gateway"), AppContext.BaseDirectory);
        var dll = Path.Combine(Repository.Root, "ApiGateway", output, "Steersman.ApiGateway.dll");
        var start = new ProcessStartInfo("dotnet", [dll, "--urls", Url.ToString()]) { WorkingDirectory = Path.GetDirectoryName(dll) };
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        foreach (var (name, value) in _settings)
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }
        _process = Process.Start(start) ?? throw new InvalidOperationException("The gateway cannot be started.");
    }
}
