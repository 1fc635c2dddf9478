using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Tasks;

/// <summary>What agents hear of people, and people of agents, over REST. The agent is a server that says what it heard.</summary>
public sealed class ForwardedPeopleTests(PostgresServer postgres) : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly WebApplication _agent = NewAgent();
    private TestGateway? _gateway;

    private TestGateway Gateway => _gateway ?? throw new InvalidOperationException("It was not started.");

    public async ValueTask InitializeAsync()
    {
        await _agent.StartAsync();
        _gateway = await TestGateway.StartAsync(
            postgres, new Dictionary<string, string?>(SharedGateway.Settings) { ["Gateway:AgentUrls:0"] = _agent.Urls.First() });
    }

    [Fact]
    public async Task An_agent_hears_who_asks_from_the_gateway_and_nothing_that_the_asker_claims()
    {
        var person = await Gateway.NewPersonAsync();
        using var browser = await Gateway.SignInAsync(person.Email, Person.Password);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/tasks/heard");
        string[] claims =
        [
            "X-User-Id", "X-User", "X-Forwarded-User", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
            "X-Original-URL", "X-Original-Host", "X-Real-IP", "X-Steersman-Owner", "Forwarded",
        ];
        foreach (var claim in claims)
        {
            request.Headers.TryAddWithoutValidation(claim, "mallory");
        }

        var heard = await browser.SendAsync(request).JsonAsync();

        Assert.DoesNotContain("mallory", heard.ToString(), StringComparison.Ordinal);
        Assert.False(heard.TryGetProperty("Cookie", out _));
        Assert.False(heard.TryGetProperty("X-CSRF-Token", out _));
        var token = new JsonWebToken(heard.GetProperty("Authorization").GetString()?["Bearer ".Length..]);
        Assert.Equal((person.Id.ToString(), "steersman-agent"), (token.Subject, token.Audiences.Single()));
    }

    [Fact]
    public async Task An_agents_redirect_leads_to_the_gateway_and_its_cookies_and_policy_to_nobody()
    {
        using var browser = await Gateway.SignInNewAsync();

        var answer = await browser.GetAsync("/api/tasks/elsewhere");

        Assert.Equal("/api/tasks", answer.Headers.Location?.OriginalString);
        Assert.DoesNotContain(answer.Headers.NonValidated, header => header.Value.ToString().Contains("planted", StringComparison.Ordinal));
        Assert.Contains("sandbox", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("/api/evil.example/", (await browser.GetAsync("/api/tasks/abroad")).Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task A_stream_ends_when_its_user_is_disabled_and_others_go_on()
    {
        var person = await Gateway.NewPersonAsync();
        using var browser = await Gateway.SignInAsync(person.Email, Person.Password);
        using var admin = await Gateway.SignInAsync();
        using var stream = await OpenAsync(request => request.Headers.Add("Cookie", browser.CookieHeader));
        using var other = await OpenAsync(request => request.Headers.Add("Cookie", admin.CookieHeader));

        await admin.PatchAsync($"/api/users/{person.Id}", new { disabled = true });

        await ReadToEndAsync(stream).WaitAsync(s_patience, TestContext.Current.CancellationToken);
        Assert.False(ReadToEndAsync(other).IsCompleted);
    }

    [Fact]
    public async Task A_stream_ends_when_its_token_is_revoked()
    {
        using var browser = await Gateway.SignInNewAsync();
        var token = await browser.NewTokenAsync("read");
        using var stream = await OpenAsync(request => request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Text));

        await browser.DeleteAsync($"/api/tokens/{token.Id}");

        await ReadToEndAsync(stream).WaitAsync(s_patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_socket_ends_when_its_session_does()
    {
        using var browser = await Gateway.SignInNewAsync();
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", browser.CookieHeader);
        await socket.ConnectAsync(new UriBuilder(Gateway.Url) { Scheme = "ws", Path = "/api/ws/chat" }.Uri, TestContext.Current.CancellationToken);
        var end = Record.ExceptionAsync(() => socket.ReceiveAsync(new byte[1], CancellationToken.None)).AsTask();

        await browser.DeleteAsync("/api/session");

        await end.WaitAsync(s_patience, TestContext.Current.CancellationToken);
        Assert.NotEqual(WebSocketState.Open, socket.State);
    }

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }
        await _agent.DisposeAsync();
    }

    private async Task<HttpResponseMessage> OpenAsync(Action<HttpRequestMessage> identify)
    {
        using var http = new HttpClient { BaseAddress = Gateway.Url };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/tasks/stream");
        request.Headers.Accept.ParseAdd("text/event-stream"); // else it would end by itself
        identify(request);
        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return answer;
    }

    /// <summary>Ends when the stream does, however that comes.</summary>
    private static async Task ReadToEndAsync(HttpResponseMessage answer) =>
        await Record.ExceptionAsync(async () =>
        {
            await using var body = await answer.Content.ReadAsStreamAsync();
            await body.CopyToAsync(Stream.Null);
        });

    private static WebApplication NewAgent()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var agent = builder.Build();
        agent.UseWebSockets();
        agent.MapGet("/tasks/heard", (HttpRequest request) => request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()));
        agent.MapGet("/tasks/elsewhere", (HttpContext context) =>
        {
            context.Response.Cookies.Append("__Host-steersman", "planted");
            context.Response.Headers.ContentSecurityPolicy = "default-src *";
            return Results.Redirect($"http://{context.Request.Host}/tasks", preserveMethod: true);
        });
        agent.MapGet("/tasks/abroad", (HttpContext context) =>
        {
            context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            context.Response.Headers.Location = "https://evil.example/evil.example/";
        });
        agent.MapGet("/tasks/stream", async (HttpContext context) =>
        {
            await context.Response.WriteAsync(": hello\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        agent.Map("/ws/chat", async (HttpContext context) =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.ReceiveAsync(new byte[1], context.RequestAborted);
        });
        return agent;
    }
}
