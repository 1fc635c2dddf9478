using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

public sealed class AgentsFailTests(PostgresServer postgres)
{
    [Fact]
    public async Task Without_an_agent_the_answer_is_to_ask_again()
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var browser = await gateway.SignInAsync();
        foreach (var asked in (Task<HttpResponseMessage>[])
            [browser.GetAsync("/api/tasks"), browser.GetAsync("/api/roles"), browser.GetAsync($"/api/tasks/{Guid.CreateVersion7()}"), browser.PostAsync("/api/tasks", new { goal = "x" })])
        {
            await asked.IsProblemAsync(HttpStatusCode.ServiceUnavailable, "no_agent");
            Assert.Equal(TimeSpan.FromSeconds(1), (await asked).Headers.RetryAfter?.Delta);
        }
    }

    [Fact]
    public async Task A_request_with_a_body_finds_the_agent_that_is_there()
    {
        await using var agent = await RestAgent.StartAsync(app => app.MapPost("/tasks", () => Results.StatusCode(202)));
        var settings = agent.Settings;
        settings["Gateway:AgentUrls:1"] = $"http://127.0.0.1:{UnusedPort()}";
        await using var gateway = await TestGateway.StartAsync(postgres, settings);
        using var browser = await gateway.SignInAsync();
        for (var i = 0; i < 12; i++)
        {
            Assert.Equal(HttpStatusCode.Accepted, await browser.PostAsync("/api/tasks", new { goal = "x" }).StatusAsync());
        }
        Assert.Equal(12, agent.Requests.Count);
    }

    [Fact]
    public async Task What_may_have_been_done_is_not_done_at_a_second_agent_and_what_was_only_read_is_read_there()
    {
        await using var first = await RestAgent.StartAsync(Hangs);
        await using var second = await RestAgent.StartAsync(Hangs);
        var settings = first.Settings;
        settings["Gateway:AgentUrls:1"] = second.Url.ToString();
        await using var gateway = await TestGateway.StartAsync(postgres, settings);
        using var browser = await gateway.SignInAsync();

        await browser.PostAsync("/api/tasks/1/pause").IsProblemAsync(HttpStatusCode.ServiceUnavailable, "no_agent");
        Assert.Equal(1, first.Requests.Count + second.Requests.Count);
        await browser.GetAsync("/api/tasks/1/files").IsProblemAsync(HttpStatusCode.ServiceUnavailable, "no_agent");
        Assert.Equal(3, first.Requests.Count + second.Requests.Count);
    }

    private static void Hangs(WebApplication app) => app.MapFallback((HttpContext context) => context.Abort());

    private static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
