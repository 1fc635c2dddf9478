using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

public sealed class CachedReadTests(PostgresServer postgres)
{
    private readonly Guid _task = Guid.CreateVersion7();

    [Fact]
    public async Task A_task_that_has_ended_is_sent_once_to_who_has_it()
    {
        await using var agent = await RestAgent.StartAsync(app => Map(app, "completed"));
        await using var gateway = await TestGateway.StartAsync(postgres, agent.Settings);
        using var browser = await gateway.SignInAsync();

        var first = await browser.GetAsync($"/api/tasks/{_task}");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/tasks/{_task}");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag ?? throw new InvalidOperationException("There is no ETag."));
        var second = await browser.SendAsync(request);

        Assert.Equal("private, no-cache", first.Headers.CacheControl?.ToString().Replace("no-cache, private", "private, no-cache", StringComparison.Ordinal));
        Assert.Equal("completed", (await first.JsonAsync()).GetProperty("state").GetString());
        Assert.Equal((HttpStatusCode.NotModified, 0L), (second.StatusCode, (await second.Content.ReadAsByteArrayAsync()).LongLength));
        Assert.Single(agent.Requests);
    }

    [Fact]
    public async Task A_task_that_goes_on_is_read_each_time()
    {
        await using var agent = await RestAgent.StartAsync(app => Map(app, "running"));
        await using var gateway = await TestGateway.StartAsync(postgres, agent.Settings);
        using var browser = await gateway.SignInAsync();

        var first = await browser.GetAsync($"/api/tasks/{_task}");
        await browser.GetAsync($"/api/tasks/{_task}");

        Assert.Null(first.Headers.ETag);
        Assert.Equal("no-store", first.Headers.CacheControl?.ToString());
        Assert.Equal(2, agent.Requests.Count);
    }

    [Fact]
    public async Task What_one_person_may_see_is_not_kept_for_another()
    {
        await using var agent = await RestAgent.StartAsync(app => Map(app, "completed"));
        await using var gateway = await TestGateway.StartAsync(postgres, agent.Settings);
        using var admin = await gateway.SignInAsync();
        using var guest = await gateway.InviteAsync(admin);

        await admin.GetAsync($"/api/tasks/{_task}");
        await guest.GetAsync($"/api/tasks/{_task}");

        Assert.Equal(2, agent.Requests.Select(request => request.Headers["Authorization"]).Distinct().Count());
    }

    [Fact]
    public async Task A_task_that_is_deleted_here_is_gone_at_once_and_elsewhere_within_the_lifetime()
    {
        var deleted = false;
        await using var agent = await RestAgent.StartAsync(app =>
        {
            app.MapGet("/tasks/{id}", (Guid id) => deleted
                ? Results.Problem("No.", statusCode: 404, extensions: [new("code", "task_not_found")])
                : Results.Json(new { task_id = id, state = "completed" }));
            app.MapDelete("/tasks/{id}", () => Results.NoContent());
        });
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await TestGateway.StartAsync(postgres, agent.Settings, configure: services => services.AddSingleton<TimeProvider>(time));
        using var browser = await gateway.SignInAsync();
        var other = Guid.CreateVersion7();
        foreach (var id in (Guid[])[_task, other])
        {
            Assert.Equal(HttpStatusCode.OK, await browser.GetAsync($"/api/tasks/{id}").StatusAsync());
        }

        deleted = true;
        await browser.DeleteAsync($"/api/tasks/{_task}");

        await browser.GetAsync($"/api/tasks/{_task}").IsProblemAsync(HttpStatusCode.NotFound, "task_not_found");
        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync($"/api/tasks/{other}").StatusAsync());
        time.Advance(TimeSpan.FromSeconds(11));
        await browser.GetAsync($"/api/tasks/{other}").IsProblemAsync(HttpStatusCode.NotFound, "task_not_found");
    }

    [Fact]
    public async Task The_team_is_asked_for_once_by_all_replicas_that_share_a_Redis_which_may_vanish()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var agent = await RestAgent.StartAsync(app => Map(app, "completed"));
        var settings = agent.Settings;
        settings["ConnectionStrings:redis"] = redis.Address;
        await using var one = await TestGateway.StartAsync(postgres, settings);
        await using var other = await TestGateway.StartAsync(postgres, settings, one.Database);
        using var first = await one.SignInAsync();
        using var second = await other.SignInAsync();

        Assert.Equal("""{"items":[1]}""", await (await first.GetAsync("/api/roles")).Content.ReadAsStringAsync());
        Assert.Equal("""{"items":[1]}""", await (await second.GetAsync("/api/roles")).Content.ReadAsStringAsync());
        Assert.Single(agent.Requests);
        Assert.Equal("ok", await CheckAsync(first, "redis"));

        await redis.DisposeAsync();

        Assert.Equal("""{"items":[2]}""", await (await second.GetAsync("/api/tools")).Content.ReadAsStringAsync());
        Assert.Equal("degraded", await CheckAsync(first, "redis"));
    }

    [Fact]
    public async Task Only_its_database_makes_a_gateway_unready()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, new Dictionary<string, string?>(TestGateway.WithAdmin)
        {
            ["ConnectionStrings:redis"] = "unix:/nowhere/redis.sock",
        });
        using var stranger = gateway.NewBrowser();
        Assert.Equal(HttpStatusCode.OK, await stranger.GetAsync("/health/ready").StatusAsync());
        Assert.Equal(("ok", "degraded", "degraded"), (await CheckAsync(stranger, "database"), await CheckAsync(stranger, "redis"), await CheckAsync(stranger, "agents")));

        await postgres.DropAsync(gateway.Database);

        var answer = await stranger.GetAsync("/health/ready");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unavailable"), (answer.StatusCode, await CheckAsync(stranger, "database")));
        Assert.Equal(HttpStatusCode.OK, await stranger.GetAsync("/health/live").StatusAsync());
    }

    private static async Task<string?> CheckAsync(Browser browser, string name) =>
        (await browser.GetAsync("/health/ready").JsonAsync()).GetProperty("checks").GetProperty(name).GetProperty("status").GetString();

    private static void Map(WebApplication app, string state)
    {
        app.MapGet("/tasks/{id}", (Guid id) => Results.Json(new { task_id = id, state }));
        app.MapGet("/roles", () => Results.Json(new { items = (int[])[1] }));
        app.MapGet("/tools", () => Results.Json(new { items = (int[])[2] }));
    }
}
