using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

public sealed class RealAgentRestTests(PostgresServer postgres)
{
    private const string Cassette = """
        {"goal": "say hello", "replies": [
          {"text": "Nothing is to be looked at.", "calls": [{"tool": "finish_task", "arguments": {"result": "Hello."}}]}
        ]}
        """;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_task_is_given_followed_read_counted_and_deleted_by_REST_alone()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, RealAgent.Settings);
        using var browser = await gateway.SignInAsync();
        using var guest = await gateway.InviteAsync(browser);
        await using var agent = RealAgent.Start(gateway.Url, Cassette);
        await RegisteredAsync(gateway);

        var accepted = await browser.PostAsync("/api/tasks", new { goal = "say hello" });
        var place = accepted.Headers.Location?.ToString() ?? "";
        var log = await FollowAsync(gateway, browser, $"{place}/events");
        var view = await browser.GetAsync(place);
        using var again = new HttpRequestMessage(HttpMethod.Get, place);
        again.Headers.TryAddWithoutValidation("If-None-Match", view.Headers.ETag?.ToString());

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Contains("event: task_completed", log, StringComparison.Ordinal);
        Assert.Equal("Hello.", (await view.JsonAsync()).GetProperty("result").GetString());
        Assert.Equal(HttpStatusCode.NotModified, await browser.SendAsync(again).StatusAsync());
        await guest.GetAsync(place).IsProblemAsync(HttpStatusCode.NotFound, "task_not_found");
        var roles = (await browser.GetAsync("/api/roles").JsonAsync()).GetProperty("items").EnumerateArray();
        Assert.Equal(["orchestrator", "developer", "tester"], roles.Select(one => one.GetProperty("role").GetString()));
        var overview = await browser.GetAsync("/api/overview").JsonAsync();
        Assert.Equal("""{"queued":0,"running":0,"waiting":0}""", overview.GetProperty("tasks").GetRawText());
        Assert.Equal(["IDLE"], overview.GetProperty("fleet").EnumerateArray().Select(one => one.GetProperty("agent_status").GetString()));
        Assert.Equal(HttpStatusCode.NoContent, await browser.DeleteAsync(place).StatusAsync());
        await browser.GetAsync(place).IsProblemAsync(HttpStatusCode.NotFound, "task_not_found");
    }

    private static async Task<string> FollowAsync(TestGateway gateway, Browser browser, string path)
    {
        using var http = new HttpClient { BaseAddress = gateway.Url };
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Cookie", browser.CookieHeader);
        request.Headers.Accept.ParseAdd("text/event-stream");
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return await answer.Content.ReadAsStringAsync().WaitAsync(s_patience);
    }

    private static async Task RegisteredAsync(TestGateway gateway)
    {
        var agents = gateway.Services.GetRequiredService<AgentDirectory>();
        while (true)
        {
            var change = agents.NextChange;
            if (!agents.IsEmpty)
            {
                return;
            }
            await change.WaitAsync(s_patience);
        }
    }
}
