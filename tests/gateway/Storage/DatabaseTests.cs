using System.Net;
using Npgsql;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Storage;

/// <summary>The gateway's database: not there yet, gone for a while, and shared by replicas.</summary>
public sealed class DatabaseTests(PostgresServer postgres) : IDisposable
{
    private readonly DirectoryInfo _road = Directory.CreateTempSubdirectory("steersman-road-");

    [Fact]
    public async Task Without_its_database_a_gateway_lives_and_says_so_and_begins_when_it_comes()
    {
        var (database, open, _) = Road();
        await using var gateway = TestGateway.StartUnready(postgres, database: database);
        using var browser = gateway.NewBrowser();

        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/health/live").StatusAsync());
        var ready = await browser.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal("unavailable", (await ready.JsonAsync()).GetProperty("checks").GetProperty("database").GetProperty("status").GetString());
        var answer = await browser.GetAsync("/api/session");
        Assert.NotNull(answer.Headers.RetryAfter);
        await Task.FromResult(answer).IsProblemAsync(HttpStatusCode.ServiceUnavailable, "starting");

        open();
        await gateway.ReadyAsync();

        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/health/ready").StatusAsync());
        await browser.SignInAsync(TestGateway.AdminEmail, TestGateway.AdminPassword);
        await postgres.DropAsync(database);
    }

    [Fact]
    public async Task While_its_database_is_away_a_gateway_asks_for_patience_and_then_goes_on()
    {
        var (database, open, close) = Road();
        open();
        await using var gateway = await TestGateway.StartAsync(postgres, database: database);
        using var browser = await gateway.SignInAsync();
        await using var viewer = await Viewer.ConnectAsync(gateway.Url, browser);

        await close();
        var answer = await browser.GetAsync("/api/tokens");
        Assert.NotNull(answer.Headers.RetryAfter);
        await Task.FromResult(answer).IsProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await browser.GetAsync("/health/ready").StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/health/live").StatusAsync());

        open();
        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/api/tokens").StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/health/ready").StatusAsync());
        Assert.Equal(Microsoft.AspNetCore.SignalR.Client.HubConnectionState.Connected, viewer.Hub.State);
        await postgres.DropAsync(database);
    }

    [Fact]
    public async Task Replicas_that_start_at_once_on_an_empty_server_make_one_set_of_tables_keys_and_admins()
    {
        var database = postgres.NewDatabase();
        var replicas = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => TestGateway.StartAsync(postgres, database: database))));

        Assert.Equal(1L, await replicas[0].SqlAsync("SELECT count(*) FROM users"));
        Assert.Equal(1L, await replicas[0].SqlAsync("SELECT count(*) FROM signing_keys"));
        Assert.Equal(1L, await replicas[0].SqlAsync("SELECT count(*) FROM data_protection_keys"));
        using var browser = await replicas[0].SignInAsync();
        foreach (var replica in replicas)
        {
            using var elsewhere = replica.NewBrowser();
            elsewhere.CopyCookies(browser);
            elsewhere.Take(await elsewhere.GetAsync("/api/session").JsonAsync());
            Assert.Equal(HttpStatusCode.Created, await elsewhere.PostAsync("/api/invitations", new { }).StatusAsync());
            await replica.DisposeAsync();
        }
        await postgres.DropAsync(database);
    }

    [Fact]
    public async Task A_session_that_ended_at_one_replica_ends_at_the_other_within_seconds()
    {
        await using var one = await TestGateway.StartAsync(postgres);
        await using var other = await TestGateway.StartAsync(postgres, database: one.Database);
        using var browser = await one.SignInAsync();
        using var elsewhere = other.NewBrowser();
        elsewhere.CopyCookies(browser);
        Assert.Equal(HttpStatusCode.OK, await elsewhere.GetAsync("/api/me").StatusAsync());

        await browser.PostAsync("/api/me/sign-out-everywhere");

        var begun = TimeProvider.System.GetTimestamp();
        while (await elsewhere.GetAsync("/api/me").StatusAsync() == HttpStatusCode.OK)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begun) < TimeSpan.FromSeconds(10), "the other replica still believes it");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);
        }
    }

    public void Dispose() => _road.Delete(recursive: true);

    /// <summary>A way to a new database that can be opened and closed: a link to the server's socket.</summary>
    private (string Database, Action Open, Func<Task> Close) Road()
    {
        var real = new NpgsqlConnectionStringBuilder(postgres.NewDatabase());
        var name = real.Database ?? "";
        var link = Path.Combine(_road.FullName, ".s.PGSQL.5432");
        var database = new NpgsqlConnectionStringBuilder(real.ConnectionString) { Host = _road.FullName }.ConnectionString;
        return (database, () => File.CreateSymbolicLink(link, Path.Combine(real.Host ?? "", ".s.PGSQL.5432")), async () =>
        {
            File.Delete(link);
            await postgres.CutAsync(name);
        }
        );
    }
}
