using System.Diagnostics;

namespace Steersman.ApiGateway.Tests.Rest;

/// <summary>A real Redis behind a socket of its own, as `steersman up` starts it.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly Process _process;

    private RedisServer(DirectoryInfo folder, Process process) => (_folder, _process) = (folder, process);

    public string Address => $"unix:{SocketPath}";

    private string SocketPath => Path.Combine(_folder.FullName, "redis.sock");

    public static async Task<RedisServer> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("steersman-redis-");
        var start = new ProcessStartInfo("redis-server",
            ["--port", "0", "--unixsocket", Path.Combine(folder.FullName, "redis.sock"), "--save", "", "--dir", folder.FullName])
        {
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start) ?? throw new InvalidOperationException("redis-server is not installed.");
        while (await process.StandardOutput.ReadLineAsync() is { } line && !line.Contains("ready to accept connections", StringComparison.OrdinalIgnoreCase))
        {
            // It says when it listens.
        }
        return new RedisServer(folder, process);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_folder.Exists)
        {
            return;
        }
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
        _folder.Refresh();
    }
}
