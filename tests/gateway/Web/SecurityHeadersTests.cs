using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Web;

public sealed class SecurityHeadersTests(SharedGateway shared, PostgresServer postgres) : IClassFixture<SharedGateway>
{
    private static readonly string[] s_expected =
    [
        "Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy",
        "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
    ];

    private readonly TestGateway _gateway = shared.Gateway;

    [Fact]
    public async Task Every_answer_carries_them_whatever_it_says()
    {
        using var browser = await _gateway.SignInAsync();
        using var stranger = _gateway.NewBrowser();
        var answers = new Dictionary<HttpStatusCode, HttpResponseMessage>
        {
            [HttpStatusCode.OK] = await browser.GetAsync("/api/me"),
            [HttpStatusCode.Created] = await browser.PostAsync("/api/invitations", new { }),
            [HttpStatusCode.BadRequest] = await browser.PostAsync("/api/tokens", new { nonsense = 1 }),
            [HttpStatusCode.Unauthorized] = await stranger.GetAsync("/api/me"),
            [HttpStatusCode.Forbidden] = await browser.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/api/session"), csrf: false),
            [HttpStatusCode.NotFound] = await stranger.GetAsync("/api/nothing"),
            [HttpStatusCode.MethodNotAllowed] = await browser.DeleteAsync("/api/users"),
            [HttpStatusCode.RequestEntityTooLarge] = await stranger.PostAsync("/api/session", new { email = new string('x', 2_000_000), password = "" }),
            [HttpStatusCode.UnprocessableEntity] = await browser.PostAsync("/api/invitations", new { role = "root" }),
            [HttpStatusCode.ServiceUnavailable] = await browser.GetAsync("/api/roles"),
        };

        foreach (var (status, answer) in answers)
        {
            Assert.Equal(status, answer.StatusCode);
            Assert.All(s_expected, name => Assert.True(answer.Headers.Contains(name), $"{(int)status} lacks {name}"));
            Assert.Equal("default-src 'none'; frame-ancestors 'none'; sandbox", answer.Headers.GetValues("Content-Security-Policy").Single());
            Assert.True(answer.Headers.CacheControl?.NoStore, $"{(int)status} may be stored");
            Assert.False(answer.Headers.Contains("Server"));
        }
    }

    [Fact]
    public async Task A_socket_is_opened_with_them()
    {
        using var browser = await _gateway.SignInNewAsync();
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Cookie", browser.CookieHeader);

        await socket.ConnectAsync(new UriBuilder(_gateway.Url) { Scheme = "ws", Path = "/hubs/chat" }.Uri, TestContext.Current.CancellationToken);

        Assert.All(s_expected, name => Assert.True(socket.HttpResponseHeaders?.ContainsKey(name)));
    }

    [Fact]
    public async Task A_page_may_run_our_scripts_only_and_stands_in_nobodys_frame()
    {
        using var stranger = _gateway.NewBrowser();

        var policy = (await stranger.GetAsync("/")).Headers.GetValues("Content-Security-Policy").Single();

        Assert.Contains("script-src 'self' 'wasm-unsafe-eval'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe-eval'", policy.Replace("wasm-unsafe-eval'", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_is_sent_anywhere()
    {
        using var browser = await _gateway.SignInAsync();
        const string elsewhere = "https%3A%2F%2Fevil.example";
        var query = string.Join('&', new[] { "returnUrl", "ReturnUrl", "redirect_uri", "next", "url", "continue" }.Select(name => $"{name}={elsewhere}"));

        foreach (var route in Route.Of(_gateway))
        {
            using var request = route.NewRequest();
            request.RequestUri = new Uri($"{route.Path}?{query}", UriKind.Relative);
            await IsNoRedirectAsync(browser.SendAsync(request, csrf: false));
        }
        foreach (var path in new[] { "//evil.example", "//evil.example/%2e%2e", "/\\evil.example", "/api//evil.example/", "/api/tasks//evil.example/", "/Account/Login", "/Account/Logout" })
        {
            await IsNoRedirectAsync(browser.GetAsync($"{_gateway.Url.GetLeftPart(UriPartial.Authority)}{path}?{query}"));
        }
        using var session = new HttpRequestMessage(HttpMethod.Post, $"/api/session?{query}")
        {
            Content = JsonContent.Create(new { email = TestGateway.AdminEmail, password = TestGateway.AdminPassword }),
        };
        using var fresh = _gateway.NewBrowser();
        await IsNoRedirectAsync(fresh.SendAsync(session));
    }

    [Fact]
    public async Task What_a_stranger_says_of_a_proxy_is_not_believed()
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = _gateway.Url };
        using var request = Forwarded(new { email = "x@example.com", password = "a wrong passphrase" });

        var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.False(answer.Headers.Contains("Strict-Transport-Security"));
        Assert.Equal("127.0.0.1", await _gateway.SqlAsync("SELECT remote_address FROM audit_log ORDER BY id DESC LIMIT 1"));
        // Its host does not make a foreign page ours.
        using var foreign = Forwarded(new { email = "x@example.com", password = "a wrong passphrase" });
        foreign.Headers.Add("Origin", "https://gateway.example");
        await http.SendAsync(foreign, TestContext.Current.CancellationToken).IsProblemAsync(HttpStatusCode.Forbidden, "foreign_origin");
    }

    [Fact]
    public async Task What_a_trusted_proxy_says_is_believed()
    {
        await using var gateway = await TestGateway.StartAsync(
            postgres, new Dictionary<string, string?>(TestGateway.WithAdmin) { ["Gateway:Proxies:0"] = "127.0.0.1" });
        using var http = new HttpClient { BaseAddress = gateway.Url };
        using var request = Forwarded(new { email = "x@example.com", password = "a wrong passphrase" });
        request.Headers.Add("Origin", "https://gateway.example");

        var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.True(answer.Headers.Contains("Strict-Transport-Security"));
        Assert.Equal("203.0.113.7", await gateway.SqlAsync("SELECT remote_address FROM audit_log ORDER BY id DESC LIMIT 1"));
    }

    private static async Task IsNoRedirectAsync(Task<HttpResponseMessage> asked)
    {
        var answer = await asked;
        Assert.True((int)answer.StatusCode is < 300 or >= 400 && answer.Headers.Location is null, $"{(int)answer.StatusCode} to {answer.Headers.Location}");
    }

    private static HttpRequestMessage Forwarded(object body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/session") { Content = JsonContent.Create(body) };
        request.Headers.Add("X-Forwarded-For", "203.0.113.7");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Add("X-Forwarded-Host", "gateway.example");
        return request;
    }
}
