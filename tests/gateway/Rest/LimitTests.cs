using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

public sealed class LimitTests(PostgresServer postgres)
{
    private static readonly string[] s_headers =
        ["Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"];

    [Fact]
    public async Task One_persons_haste_is_not_anothers()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, new Dictionary<string, string?>(TestGateway.WithAdmin)
        {
            ["Gateway:Limits:RequestBurst"] = "20",
            ["Gateway:Limits:RequestsPerSecond"] = "1",
        });
        using var hasty = await gateway.SignInAsync();
        using var guest = await gateway.InviteAsync(hasty);

        var refused = await FirstRefusalAsync(hasty);

        Assert.True(refused.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        AssertSecure(refused);
        await Task.FromResult(refused).IsProblemAsync(HttpStatusCode.TooManyRequests, "too_many_requests");
        Assert.Equal(HttpStatusCode.OK, await guest.GetAsync("/api/me").StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await hasty.GetAsync("/health/live").StatusAsync());
    }

    [Fact]
    public async Task Every_answer_has_the_headers_that_keep_browsers_safe()
    {
        await using var agent = await RestAgent.StartAsync(app => app.MapGet("/tasks", () => Results.Json(new { })));
        await using var gateway = await TestGateway.StartAsync(postgres, agent.Settings);
        using var browser = await gateway.SignInAsync();
        using var stranger = gateway.NewBrowser();
        (Task<HttpResponseMessage>, int)[] answers =
        [
            (browser.GetAsync("/api/me"), 200), (browser.GetAsync("/api/tasks"), 200), (browser.GetAsync($"/api/tasks/{Guid.CreateVersion7()}"), 404),
            (browser.GetAsync("/nowhere"), 404), (stranger.GetAsync("/api/me"), 401), (browser.PostAsync("/api/me"), 405), (browser.GetAsync("/health/live"), 200),
            (browser.SendAsync(new HttpRequestMessage(HttpMethod.Delete, $"/api/tokens/{Guid.CreateVersion7()}"), csrf: false), 403),
        ];
        foreach (var (asked, status) in answers)
        {
            var answer = await asked;
            Assert.Equal(status, (int)answer.StatusCode);
            AssertSecure(answer);
        }
    }

    [Fact]
    public async Task Decisions_and_denials_are_audited()
    {
        var theirs = $"/api/approvals/{Guid.CreateVersion7()}";
        var mine = $"/api/approvals/{Guid.CreateVersion7()}";
        await using var agent = await RestAgent.StartAsync(app => app.MapPost("/approvals/{id}", (Guid id) =>
            mine.EndsWith(id.ToString(), StringComparison.Ordinal) ? Results.Json(new { }) : Results.NotFound()));
        await using var gateway = await TestGateway.StartAsync(postgres, agent.Settings);
        using var admin = await gateway.SignInAsync();
        using var guest = await gateway.InviteAsync(admin);

        await guest.PostAsync(mine, new { });
        await guest.PostAsync(theirs, new { });
        await guest.GetAsync("/api/users");

        Assert.Equal(
            [("approval_decided", mine, """{"method": "POST", "status_code": 200}"""), ("access_denied", theirs, """{"method": "POST", "status_code": 404}"""), ("access_denied", "/api/users", """{"method": "GET", "status_code": 403}""")],
            await EntriesAsync(gateway.Database));
    }

    private static async Task<HttpResponseMessage> FirstRefusalAsync(Browser browser)
    {
        while (true)
        {
            var answer = await browser.GetAsync("/api/me");
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                return answer;
            }
        }
    }

    private static void AssertSecure(HttpResponseMessage answer) =>
        Assert.All(s_headers, name => Assert.True(answer.Headers.Contains(name), $"{name} is missing of {answer.RequestMessage?.RequestUri}"));

    private static async Task<List<(string, string, string)>> EntriesAsync(string database)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "SELECT action, subject, detail::text FROM audit_log WHERE action IN ('approval_decided', 'access_denied') ORDER BY id", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var entries = new List<(string, string, string)>();
        while (await reader.ReadAsync())
        {
            entries.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2)));
        }
        return entries;
    }
}
