using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

/// <summary>What reached an agent, as it was on the wire.</summary>
internal sealed record Received(string Method, string Target, IReadOnlyDictionary<string, string> Headers);

/// <summary>A real server that plays the REST half of an agent: a test says what it answers, and sees what it was asked.</summary>
internal sealed class RestAgent : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RestAgent(WebApplication app) => _app = app;

    public ConcurrentQueue<Received> Requests { get; } = new();

    public Uri Url => new(_app.Urls.First());

    /// <summary>Settings of a gateway that knows this agent by its address, with an admin.</summary>
    public Dictionary<string, string?> Settings => new(TestGateway.WithAdmin) { ["Gateway:AgentUrls:0"] = Url.ToString() };

    public static async Task<RestAgent> StartAsync(Action<WebApplication> map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var agent = new RestAgent(app);
        app.UseWebSockets();
        app.Use(agent.NoteAsync);
        app.UseRouting();
        map(app);
        await app.StartAsync();
        return agent;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private Task NoteAsync(HttpContext context, RequestDelegate next)
    {
        Requests.Enqueue(new Received(
            context.Request.Method,
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        return next(context);
    }
}
