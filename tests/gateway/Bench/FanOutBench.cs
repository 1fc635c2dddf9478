using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Bench;

/// <summary>What it costs to show one task to many: `make bench-hub`. The gateway is a process of its own.</summary>
public sealed class FanOutBench(PostgresServer postgres, ITestOutputHelper output)
{
    private const int Seconds = 10;
    private const int Burst = 200;
    private const double TargetRate = 2_000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Theory(Explicit = true)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(1_000)]
    [InlineData(2_000)]
    public async Task One_task_is_shown_to(int connections)
    {
        var database = postgres.NewDatabase();
        await using var gateway = await GatewayProcess.StartAsync(database, Settings);
        using var browser = new Browser(gateway.Url);
        await browser.SignInAsync(TestGateway.AdminEmail, TestGateway.AdminPassword);
        var me = await (await browser.GetAsync("/api/me")).Content.ReadFromJsonAsync<JsonElement>();
        await using var agent = await PlayedAgent.StartAsync(gateway.Url);
        var task = agent.NewTask(me.GetProperty("user_id").GetGuid());
        Append(agent, task);
        await using var warm = await LightViewer.WatchAsync(gateway.Url, browser, task);
        _ = warm.ReadAsync();
        await SeenAsync([warm], 1);
        var before = gateway.ResidentBytes;

        var viewers = await ConnectAsync(gateway.Url, browser, task, connections);
        await SeenAsync(viewers, 1);
        var perConnection = (gateway.ResidentBytes - before) / 1024.0 / connections;
        var (steady, p50, p99) = await SteadyAsync(agent, task, viewers);
        var burst = await BurstAsync(agent, task, viewers);

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{connections,5} connections: {steady,6:F0} messages/s with p50 {p50:F1} ms and p99 {p99:F1} ms (target at 2,000: 250); "
            + $"at most {burst,7:F0} messages/s; {perConnection:F0} KB per connection (target: 60)"));
        Assert.All(viewers, viewer => Assert.Equal(viewers[0].Seen, viewer.Seen));
        await Task.WhenAll(viewers.Select(viewer => viewer.DisposeAsync().AsTask()));
    }

    private static IReadOnlyDictionary<string, string?> Settings { get; } = new Dictionary<string, string?>(PlayedAgent.Settings)
    {
        ["Gateway:Limits:ConnectionsPerUser"] = "10000",
        ["Gateway:Limits:RequestBurst"] = "100000",
        ["Gateway:Limits:HubCallBurst"] = "100000",
    };

    private static async Task<LightViewer[]> ConnectAsync(Uri gateway, Browser browser, Guid task, int connections)
    {
        var viewers = new List<LightViewer>();
        foreach (var some in Enumerable.Range(0, connections).Chunk(20))
        {
            viewers.AddRange(await Task.WhenAll(some.Select(_ => LightViewer.WatchAsync(gateway, browser, task))));
        }
        foreach (var viewer in viewers)
        {
            _ = viewer.ReadAsync();
        }
        return [.. viewers];
    }

    /// <summary>As many messages a second as the target says: how late are they?</summary>
    private static async Task<(double Rate, double P50, double P99)> SteadyAsync(PlayedAgent agent, Guid task, LightViewer[] viewers)
    {
        var events = (int)Math.Min(TargetRate * Seconds / viewers.Length, 100 * Seconds);
        foreach (var viewer in viewers)
        {
            viewer.Forget();
        }
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds((double)Seconds / events));
        var watch = Stopwatch.StartNew();
        for (var n = 0; n < events; n++)
        {
            await timer.WaitForNextTickAsync();
            Append(agent, task);
        }
        await SeenAsync(viewers, agent.Logs.Length(task));
        var rate = events * viewers.Length / watch.Elapsed.TotalSeconds;
        double[] delays = [.. viewers.SelectMany(viewer => viewer.Delays).Order()];
        return (rate, delays[delays.Length / 2], delays[delays.Length * 99 / 100]);
    }

    /// <summary>As many as it can.</summary>
    private static async Task<double> BurstAsync(PlayedAgent agent, Guid task, LightViewer[] viewers)
    {
        var watch = Stopwatch.StartNew();
        for (var n = 0; n < Burst; n++)
        {
            Append(agent, task);
        }
        await SeenAsync(viewers, agent.Logs.Length(task));
        return Burst * viewers.Length / watch.Elapsed.TotalSeconds;
    }

    private static void Append(PlayedAgent agent, Guid task) => agent.Logs.AppendText(
        task, seq => $$"""{"type":"action_succeeded","seq":{{seq}},"sent":{{Stopwatch.GetTimestamp()}},"output":"{{new string('x', 300)}}"}""");

    private static async Task SeenAsync(IReadOnlyCollection<LightViewer> viewers, int events)
    {
        var watch = Stopwatch.StartNew();
        while (viewers.Any(viewer => viewer.Seen < events))
        {
            Assert.True(watch.Elapsed < s_patience, $"{viewers.Count(viewer => viewer.Seen < events)} have not seen everything");
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }
}
