using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

public sealed class TelemetryTests(PostgresServer postgres)
{
    [Fact]
    public async Task Whoever_collects_hears_of_each_request_from_the_browser_to_agent_and_database()
    {
        var collected = new ConcurrentDictionary<string, string>();
        await using var collector = await RestAgent.StartAsync(app => app.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            var text = Encoding.Latin1.GetString(body.ToArray());
            collected.AddOrUpdate(signal, text, (_, before) => before + text);
        }));
        await using var agent = await RestAgent.StartAsync(app => app.MapGet("/tasks", () => Results.Json(new { })));
        var settings = agent.Settings;
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url.ToString();
        settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        await using (var gateway = await TestGateway.StartAsync(postgres, settings))
        {
            using var browser = await gateway.SignInAsync();
            Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/api/tasks").StatusAsync());
        }

        var traces = collected["traces"];
        Assert.All(
            (string[])["steersman-gateway", "/api/tasks/{**rest}", "Steersman.ApiGateway", "System.Net.Http", "Npgsql", "INSERT INTO"],
            part => Assert.Contains(part, traces, StringComparison.Ordinal));
        Assert.Contains("http.server.request.duration", collected["metrics"], StringComparison.Ordinal);
        Assert.DoesNotContain(TestGateway.AdminPassword, traces, StringComparison.Ordinal);
    }
}
