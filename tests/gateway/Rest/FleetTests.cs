using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

public sealed class FleetTests(PostgresServer postgres)
{
    private static readonly object s_numbers = new
    {
        tasks = new { queued = 1, running = 2, waiting = 3 },
        pending_approvals = 4,
        spent_today = new { since = "2026-01-05T00:00:00.000Z", input_tokens = 5, output_tokens = 6, cost_usd = 0.07, of_a_later_version = 1 },
    };

    [Fact]
    public async Task An_agent_is_shown_by_a_replica_that_it_has_not_dialled_and_reached_from_there()
    {
        await using var dialled = await TestGateway.StartAsync(postgres, PlayedAgent.Settings);
        await using var other = await TestGateway.StartAsync(postgres, PlayedAgent.Settings, dialled.Database);
        using var browser = await other.SignInAsync();
        await using var agent = await PlayedAgent.StartAsync(dialled.Url);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await browser.GetAsync($"/api/tasks/{Guid.CreateVersion7()}")).StatusCode);

        await ReportOf(dialled).ExchangeAsync(TestContext.Current.CancellationToken);
        await ReportOf(other).ExchangeAsync(TestContext.Current.CancellationToken);

        var shown = Assert.Single((await (await browser.GetAsync("/api/agents")).JsonAsync()).GetProperty("items").EnumerateArray());
        Assert.Equal("IDLE", shown.GetProperty("agent_status").GetString());
        Assert.Equal(4, shown.GetProperty("capacity").GetInt32());
        Assert.Equal(dialled.Services.GetRequiredService<Replica>().Name, Assert.Single(shown.GetProperty("gateways").EnumerateArray()).GetString());
        Assert.EndsWith("Z", shown.GetProperty("last_heartbeat_at").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await browser.GetAsync($"/api/tasks/{Guid.CreateVersion7()}")).StatusCode);
    }

    [Fact]
    public async Task An_agent_that_has_gone_and_a_replica_that_was_silent_for_a_minute_leave_the_fleet()
    {
        await using var dialled = await TestGateway.StartAsync(postgres, PlayedAgent.Settings);
        await using var other = await TestGateway.StartAsync(postgres, PlayedAgent.Settings, dialled.Database);
        var agent = await PlayedAgent.StartAsync(dialled.Url);
        await ReportOf(dialled).ExchangeAsync(TestContext.Current.CancellationToken);
        await AddRowAsync(dialled.Database, "silent", age: 61);
        await AddRowAsync(dialled.Database, "heard", age: 30);
        var directory = dialled.Services.GetRequiredService<AgentDirectory>();
        var gone = directory.NextChange;

        await agent.DisposeAsync();
        await gone.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await ReportOf(dialled).ExchangeAsync(TestContext.Current.CancellationToken);
        await ReportOf(other).ExchangeAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["heard"], other.Services.GetRequiredService<Fleet>().All.Select(member => member.WorkerId));
    }

    [Fact]
    public async Task Which_tasks_an_agent_works_on_and_where_it_is_are_for_admins()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, PlayedAgent.Settings);
        using var admin = await gateway.SignInAsync();
        using var guest = await gateway.InviteAsync(admin);
        await using var agent = await PlayedAgent.StartAsync(gateway.Url);

        var toAdmin = Assert.Single((await (await admin.GetAsync("/api/agents")).JsonAsync()).GetProperty("items").EnumerateArray());
        var toGuest = Assert.Single((await (await guest.GetAsync("/api/agents")).JsonAsync()).GetProperty("items").EnumerateArray());

        Assert.Equal(agent.Url.ToString(), toAdmin.GetProperty("url").GetString());
        Assert.Equal(0, toAdmin.GetProperty("active_tasks").GetArrayLength());
        Assert.Equal(0, toGuest.GetProperty("active_task_count").GetInt32());
        foreach (var hidden in (string[])["active_tasks", "url", "name"])
        {
            Assert.Null(toGuest.GetProperty(hidden).GetString());
        }
    }

    [Fact]
    public async Task The_overview_is_the_agents_numbers_and_the_fleet()
    {
        await using var agent = await RestAgent.StartAsync(app => app.MapGet("/overview", () => s_numbers));
        await using var gateway = await TestGateway.StartAsync(postgres, agent.Settings);
        await AddRowAsync(gateway.Database, "elsewhere", age: 1);
        await ReportOf(gateway).ExchangeAsync(TestContext.Current.CancellationToken);
        using var browser = await gateway.SignInAsync();

        var overview = await (await browser.GetAsync("/api/overview")).JsonAsync();

        Assert.Equal("""{"queued":1,"running":2,"waiting":3}""", overview.GetProperty("tasks").GetRawText());
        Assert.Equal(4, overview.GetProperty("pending_approvals").GetInt32());
        Assert.Equal("""{"since":"2026-01-05T00:00:00.000Z","input_tokens":5,"output_tokens":6,"cost_usd":0.07}""", overview.GetProperty("spent_today").GetRawText());
        Assert.Equal("elsewhere", Assert.Single(overview.GetProperty("fleet").EnumerateArray()).GetProperty("worker_id").GetString());
    }

    [Fact]
    public async Task Without_an_agent_the_overview_is_asked_for_again_later()
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var browser = await gateway.SignInAsync();

        var answer = await browser.GetAsync("/api/overview");

        await Task.FromResult(answer).IsProblemAsync(HttpStatusCode.ServiceUnavailable, "no_agent");
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
    }

    private static FleetReport ReportOf(TestGateway gateway) => gateway.Services.GetServices<IHostedService>().OfType<FleetReport>().Single();

    private static async Task AddRowAsync(string database, string workerId, int age)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO fleet VALUES (@worker, 'a replica', 'x', '0', 1, '{developer}', 4, 'IDLE', '{}', NULL, now(),
                                      now() - make_interval(secs => @age))
            """, connection);
        command.Parameters.AddWithValue("worker", workerId);
        command.Parameters.AddWithValue("age", (double)age);
        await command.ExecuteNonQueryAsync();
    }
}
