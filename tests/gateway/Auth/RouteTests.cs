using System.Net;
using System.Net.Http.Headers;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

/// <summary>Who may come in by which way, for all ways that the gateway has.</summary>
public sealed class RouteTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    // A way that strangers may take is added here on purpose.
    private static readonly string[] s_forStrangers =
    [
        "GET /health/live", "GET /health/ready", "GET /.well-known/jwks.json", "POST /agents/token",
        "GET /api/session", "POST /api/session", "DELETE /api/session", "POST /api/invitations/accept",
        "GET /api/openapi.json", "GET /docs/scalar.js", "GET /docs/scalar.aspnetcore.js", "GET /docs/favicon.svg",
        "GET /docs/00000000-0000-0000-0000-000000000000", // the page itself, whose route may name a document
    ];

    private readonly TestGateway _gateway = shared.Gateway;

    [Fact]
    public async Task Strangers_are_told_to_sign_in_wherever_they_may_not()
    {
        using var http = new HttpClient { BaseAddress = _gateway.Url };

        foreach (var route in Route.Of(_gateway).Where(route => !IsForStrangers(route)))
        {
            Assert.Equal((route.ToString(), HttpStatusCode.Unauthorized), (route.ToString(), await StatusAsync(http, route)));
        }
    }

    [Fact]
    public void The_ways_of_strangers_are_those_that_were_meant()
    {
        var anonymous = Route.Of(_gateway).Where(route => route.IsAnonymous || route.Policies.Count == 0);

        Assert.All(anonymous, route => Assert.True(IsForStrangers(route), $"{route} lets everybody in"));
    }

    [Fact]
    public async Task A_token_that_may_read_changes_nothing_anywhere()
    {
        using var http = await TokenAsync(Roles.Admin, Scopes.Read);

        foreach (var route in Route.Of(_gateway).Where(route => !route.IsAnonymous && !route.IsHub))
        {
            var mayPass = route.IsSafe && !route.Policies.Contains(Policies.Admin) && !route.Policies.Contains(Policies.Write);
            var status = await StatusAsync(http, route);
            Assert.True(mayPass == IsLetIn(status), $"{route}: {(int)status}");
        }
    }

    [Fact]
    public async Task A_token_that_may_write_is_no_admins()
    {
        using var http = await TokenAsync(Roles.Admin, Scopes.Read, Scopes.Write);

        foreach (var route in Route.Of(_gateway).Where(route => !route.IsAnonymous && !route.IsHub))
        {
            var status = await StatusAsync(http, route);
            // What a session alone may do refuses tokens with 403 as well.
            var needsSession = route.ToString() is "POST /api/tokens" or "POST /api/me/password";
            Assert.True(IsLetIn(status) == !route.Policies.Contains(Policies.Admin) || needsSession, $"{route}: {(int)status}");
        }
    }

    [Fact]
    public async Task A_user_is_no_admin_anywhere()
    {
        using var browser = await _gateway.SignInNewAsync();
        var admins = Route.Of(_gateway).Where(route => route.Policies.Contains(Policies.Admin)).ToList();
        Assert.Contains(admins, route => route.Path == "/api/users");

        foreach (var route in admins)
        {
            using var request = route.NewRequest();
            Assert.Equal((route.ToString(), HttpStatusCode.Forbidden), (route.ToString(), await browser.SendAsync(request).StatusAsync()));
        }
    }

    [Fact]
    public async Task Every_change_that_a_cookie_authorises_needs_the_csrf_token()
    {
        using var browser = await _gateway.SignInNewAsync(Roles.Admin);
        var changes = Route.Of(_gateway).Where(route => !route.IsSafe && !route.IsHub).ToList();
        Assert.Contains(changes, route => route.Path == "/api/me/sign-out-everywhere");

        foreach (var route in changes)
        {
            using var request = route.NewRequest();
            await browser.SendAsync(request, csrf: false).IsProblemAsync(HttpStatusCode.Forbidden, "csrf_token_missing");
        }
        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/api/me").StatusAsync());
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://127.0.0.1.evil.example")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task Foreign_pages_change_nothing_though_they_know_the_csrf_token(string header, string value)
    {
        using var browser = await _gateway.SignInNewAsync(Roles.Admin);

        foreach (var route in Route.Of(_gateway).Where(route => !route.IsSafe))
        {
            using var request = route.NewRequest();
            request.Headers.Add(header, value);
            await browser.SendAsync(request).IsProblemAsync(HttpStatusCode.Forbidden, "foreign_origin");
        }
    }

    private static bool IsForStrangers(Route route) => s_forStrangers.Contains(route.ToString()) || (route.Path.StartsWith("/health", StringComparison.Ordinal) && !route.IsSafe);

    private static bool IsLetIn(HttpStatusCode status) => status is not HttpStatusCode.Unauthorized and not HttpStatusCode.Forbidden;

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, Route route)
    {
        using var request = route.NewRequest();
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return answer.StatusCode;
    }

    private async Task<HttpClient> TokenAsync(string role, params string[] scopes)
    {
        using var browser = await _gateway.SignInNewAsync(role);
        var token = await browser.NewTokenAsync(scopes);
        var http = new HttpClient { BaseAddress = _gateway.Url };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.Text);
        return http;
    }
}
