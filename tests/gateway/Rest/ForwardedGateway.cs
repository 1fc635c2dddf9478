using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

/// <summary>A gateway, an agent behind it at an address that it knows, and a person: for all tests of a class.</summary>
public sealed class ForwardedGateway(PostgresServer postgres) : IAsyncLifetime
{
    private RestAgent? _agent;
    private TestGateway? _gateway;
    private Browser? _browser;

    internal RestAgent Agent => _agent ?? throw new InvalidOperationException("It was not started.");

    internal TestGateway Gateway => _gateway ?? throw new InvalidOperationException("It was not started.");

    internal Browser Browser => _browser ?? throw new InvalidOperationException("It was not started.");

    /// <summary>Set to let the stream go on.</summary>
    internal TaskCompletionSource MayGoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask InitializeAsync()
    {
        _agent = await RestAgent.StartAsync(Map);
        _gateway = await TestGateway.StartAsync(postgres, new Dictionary<string, string?>(_agent.Settings)
        {
            ["Gateway:Limits:RequestBurst"] = "10000",
            ["Gateway:Limits:AnswerTime"] = "00:00:02",
        });
        _browser = await _gateway.SignInAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _browser?.Dispose();
        foreach (var one in (IAsyncDisposable?[])[_gateway, _agent])
        {
            if (one is not null)
            {
                await one.DisposeAsync();
            }
        }
    }

    private void Map(WebApplication app)
    {
        app.MapGet("/tasks/{id}/events", StreamAsync);
        app.MapPost("/tasks", () => Results.Json(new { }, statusCode: 202)).AddEndpointFilter(Located("/tasks/1"));
        app.MapPost("/tasks/1/messages", () => Results.StatusCode(302)).AddEndpointFilter(Located("https://evil.example"));
        app.MapPost("/tasks/1/stop", () => Results.StatusCode(302)).AddEndpointFilter(Located("//evil.example"));
        app.MapGet("/tasks/slow/files", async (HttpContext context) => await Task.Delay(Timeout.Infinite, context.RequestAborted));
        app.MapPut("/workspaces/{name}", async (HttpRequest request) => Results.Json(new { bytes = await LengthAsync(request) }, statusCode: 201));
        app.Map("/ws/chat", EchoAsync);
        app.MapFallback(() => Results.Json(new { reached = true }));
    }

    private static Func<EndpointFilterInvocationContext, EndpointFilterDelegate, ValueTask<object?>> Located(string place) => (context, next) =>
    {
        context.HttpContext.Response.Headers.Location = place;
        return next(context);
    };

    private async Task StreamAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync("id: 1\nevent: task_submitted\ndata: {}\n\n");
        await context.Response.Body.FlushAsync();
        await MayGoOn.Task.WaitAsync(context.RequestAborted);
        await context.Response.WriteAsync("id: 2\nevent: task_completed\ndata: {}\n\n");
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync("steersman.v1.json");
        var buffer = new byte[1024];
        while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: WebSocketMessageType.Text } part)
        {
            await socket.SendAsync(buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, context.RequestAborted);
        }
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }

    private static async Task<long> LengthAsync(HttpRequest request)
    {
        var buffer = new byte[64 * 1024];
        long length = 0;
        while (await request.Body.ReadAsync(buffer) is > 0 and var read)
        {
            length += read;
        }
        return length;
    }
}
