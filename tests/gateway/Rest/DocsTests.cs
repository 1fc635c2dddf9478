using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

public sealed partial class DocsTests(PostgresServer postgres)
{
    private const string LaterAgent = """
        {"paths": {"/tasks/{id}/later": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Overview"}}}}}}},
                   "/health": {"get": {}}, "/overview": {"get": {}}},
         "components": {"schemas": {"Overview": {"type": "object", "title": "of the agent"}}}}
        """;

    [Fact]
    public async Task One_document_has_the_routes_of_both_halves_and_no_loose_end()
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var stranger = gateway.NewBrowser();

        var answer = await stranger.GetAsync("/api/openapi.json");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/openapi.json");
        request.Headers.TryAddWithoutValidation("If-None-Match", answer.Headers.ETag?.ToString());

        var document = await answer.JsonAsync();
        var paths = document.GetProperty("paths").EnumerateObject().Select(path => path.Name).ToArray();
        foreach (var path in (string[])["/api/session", "/api/agents", "/api/overview", "/api/users", "/api/tokens", "/api/tasks/{task_id}/events", "/api/roles", "/api/approvals/{approval_id}"])
        {
            Assert.Contains(path, paths);
        }
        Assert.All(paths, path => Assert.StartsWith("/api/", path, StringComparison.Ordinal));
        Assert.Equal(["token", "session"], document.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(scheme => scheme.Name));
        var schemas = document.GetProperty("components").GetProperty("schemas").EnumerateObject().Select(schema => "#/components/schemas/" + schema.Name).ToHashSet();
        Assert.All(References(document), reference => Assert.Contains(reference, schemas));
        Assert.Equal(HttpStatusCode.NotModified, await stranger.SendAsync(request).StatusAsync());
    }

    [Fact]
    public async Task An_agent_that_is_there_tells_its_own_routes()
    {
        await using var agent = await RestAgent.StartAsync(app => app.MapGet("/openapi.json", () => Results.Text(LaterAgent, "application/json")));
        await using var gateway = await TestGateway.StartAsync(postgres, agent.Settings);
        using var stranger = gateway.NewBrowser();

        var document = await stranger.GetAsync("/api/openapi.json").JsonAsync();

        var paths = document.GetProperty("paths");
        Assert.Equal("#/components/schemas/AgentOverview", Assert.Single(References(paths.GetProperty("/api/tasks/{id}/later"))));
        Assert.False(paths.TryGetProperty("/api/health", out _));
        Assert.False(paths.TryGetProperty("/api/tasks/{task_id}/events", out _));
        Assert.Equal("#/components/schemas/Overview", Assert.Single(References(paths.GetProperty("/api/overview")), reference => reference.EndsWith("/Overview", StringComparison.Ordinal)));
        Assert.Equal("of the agent", document.GetProperty("components").GetProperty("schemas").GetProperty("AgentOverview").GetProperty("title").GetString());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("no JSON")]
    public async Task An_agent_whose_document_is_none_is_passed_over(string body)
    {
        await using var agent = await RestAgent.StartAsync(app => app.MapGet("/openapi.json", () => Results.Text(body)));
        await using var gateway = await TestGateway.StartAsync(postgres, agent.Settings);
        using var stranger = gateway.NewBrowser();

        var document = await stranger.GetAsync("/api/openapi.json").JsonAsync();

        Assert.True(document.GetProperty("paths").TryGetProperty("/api/tasks/{task_id}/events", out _));
    }

    [Fact]
    public async Task The_page_that_shows_it_asks_nobody_else_and_runs_its_own_scripts_only()
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var stranger = gateway.NewBrowser();

        var answer = await stranger.GetAsync("/docs/");
        var page = await answer.Content.ReadAsStringAsync();

        Assert.Equal("text/html", answer.Content.Headers.ContentType?.MediaType);
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        var scripts = Scripts().Matches(page);
        Assert.NotEmpty(scripts);
        Assert.All(scripts, script => Assert.Contains($"'nonce-{script.Groups["nonce"].Value}'", policy, StringComparison.Ordinal));
        Assert.DoesNotContain("unsafe-eval", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", page, StringComparison.Ordinal);
        foreach (var source in scripts.Select(script => script.Groups["source"].Value).Where(source => source.Length > 0))
        {
            var file = await stranger.GetAsync(new Uri(new Uri(gateway.Url, "/docs/"), source).PathAndQuery);
            Assert.Equal((HttpStatusCode.OK, "text/javascript"), (file.StatusCode, file.Content.Headers.ContentType?.MediaType));
        }
        Assert.DoesNotContain("nonce", Assert.Single((await stranger.GetAsync("/nowhere")).Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
    }

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member => member is { Name: "$ref", Value.ValueKind: JsonValueKind.String }
            ? [member.Value.GetString() ?? ""]
            : References(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };

    [GeneratedRegex("""<script(?=[^>]*nonce="(?<nonce>[^"]+)")?(?=[^>]*src="(?<source>[^"]+)")?""")]
    private static partial Regex Scripts();
}
