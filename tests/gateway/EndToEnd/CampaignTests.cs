using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.EndToEnd;

/// <summary>Gateway and agents are killed in turn while tasks run: `make bridge-campaign` a hundred times each.</summary>
public sealed class CampaignTests(PostgresServer postgres, ITestOutputHelper output)
{
    private const int Slots = 5;
    private const int ViewersPerTask = 4;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private static int Kills { get; } =
        int.Parse(Environment.GetEnvironmentVariable("STEERSMAN_CAMPAIGN_KILLS") ?? "3", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Every_viewer_sees_every_event_once_and_every_command_is_executed_once_though_gateway_and_agents_are_killed()
    {
        var database = postgres.NewDatabase();
        await using var gateway = await GatewayProcess.StartAsync(database, Settings);
        using var browser = new Browser(gateway.Url);
        await browser.SignInAsync(TestGateway.AdminEmail, TestGateway.AdminPassword);
        var home = new AgentHome(Cassette.Of(replies: 50), await postgres.NewAgentDatabaseAsync());
        await using var agents = new AgentFleet(gateway.Url, home, agents: 2);
        await using var campaign = new Campaign(gateway.Url, browser, Slots, ViewersPerTask);
        var watch = Stopwatch.StartNew();
        var running = campaign.RunAsync();

        for (var kill = 0; kill < Kills; kill++)
        {
            await campaign.ProgressAsync(s_patience);
            await gateway.KillAsync();
            await gateway.ReadyAsync();
            await campaign.ProgressAsync(s_patience);
            await agents.KillOneAsync();
        }
        campaign.Finish();
        await running.WaitAsync(s_patience);

        output.WriteLine($"{Kills} + {Kills} kills in {watch.Elapsed.TotalSeconds:F0} s: {campaign.Summary}");
        campaign.Verify(await TaskCountAsync(browser));
        await gateway.DisposeAsync();
        await postgres.DropAsync(database);
    }

    private static IReadOnlyDictionary<string, string?> Settings { get; } = new Dictionary<string, string?>(RealAgent.Settings)
    {
        ["Gateway:Limits:ConnectionsPerUser"] = "100",
        ["Gateway:Limits:RequestBurst"] = "10000", // the viewers are all the same person, and all come back at once
        ["Gateway:Limits:HubCallBurst"] = "10000",
    };

    private static async Task<int> TaskCountAsync(Browser browser)
    {
        var (count, cursor) = (0, "");
        do
        {
            var page = JsonElement.Parse(await (await browser.GetAsync($"/api/tasks?limit=100{cursor}")).Content.ReadAsStringAsync());
            count += page.GetProperty("items").GetArrayLength();
            cursor = page.GetProperty("next_cursor").GetString() is { } next ? $"&cursor={Uri.EscapeDataString(next)}" : "";
        }
        while (cursor.Length > 0);
        return count;
    }
}
