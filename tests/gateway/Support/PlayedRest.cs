using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>The REST API, the streams and the WebSocket of a played agent, on a real server.</summary>
internal sealed class PlayedRest : IAsyncDisposable
{
    private readonly PlayedLogs _logs;
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _ended = new();
    private int _streams;

    private PlayedRest(PlayedLogs logs, int port)
    {
        _logs = logs;
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.UseWebSockets();
        _app.MapGet("/tasks", (HttpRequest request) => Json($$"""{"items":[{{string.Join(',', _logs.Of(OwnerOf(request)).Select(task => task.View))}}]}"""));
        _app.MapGet("/tasks/{id:guid}", View);
        _app.MapGet("/tasks/{id:guid}/events", EventsAsync);
        _app.Map("/ws/chat", ChatAsync);
    }

    public Uri Url => new(_app.Urls.First());

    /// <summary>Streams that are open now.</summary>
    public int Streams => _streams;

    public static async Task<PlayedRest> StartAsync(PlayedLogs logs, int port = 0)
    {
        var rest = new PlayedRest(logs, port);
        await rest._app.StartAsync();
        return rest;
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _app.DisposeAsync();
        _ended.Dispose();
    }

    public static string? OwnerOf(string token) => token.Length == 0 ? null : new JsonWebToken(token).Subject;

    private static string? OwnerOf(HttpRequest request) => OwnerOf(request.Headers.Authorization.ToString()["Bearer ".Length..]);

    private IResult View(Guid id, long? min_seq, HttpRequest request)
    {
        if (_logs.Find(id, OwnerOf(request)) is not { } task)
        {
            return Problem(404, "task_not_found");
        }
        return task.Seq < (min_seq ?? 0) ? Problem(409, "cursor_ahead") : Json(task.View);
    }

    private async Task<IResult> EventsAsync(Guid id, long after, int? limit, HttpContext context)
    {
        if (_logs.Find(id, OwnerOf(context.Request)) is not { } task)
        {
            return Problem(404, "task_not_found");
        }
        if (!context.Request.Headers.Accept.ToString().Contains("event-stream", StringComparison.Ordinal))
        {
            return Json($$"""{"events":[{{string.Join(',', task.After(after, limit ?? 500))}}]}""");
        }
        Interlocked.Increment(ref _streams);
        try
        {
            await StreamAsync(task, after, context);
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
        return Results.Empty;
    }

    private async Task StreamAsync(PlayedTask task, long after, HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token, context.RequestAborted);
        await using var killed = enough.Token.Register(context.Abort);
        while (true)
        {
            var change = _logs.NextChange;
            foreach (var one in task.After(after, 1000))
            {
                await context.Response.WriteAsync($"id: {++after}\nevent: an_event\ndata: {one}\n\n", enough.Token);
            }
            if (task.DeltaAfter(0) is { } delta)
            {
                await context.Response.WriteAsync($"event: delta\ndata: {delta}\n\n", enough.Token);
            }
            await context.Response.Body.FlushAsync(enough.Token);
            if (task.View.Contains("completed", StringComparison.Ordinal) && after == task.Seq)
            {
                return;
            }
            await change.WaitAsync(enough.Token);
        }
    }

    private async Task ChatAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync("steersman.v1.json");
        var buffer = new byte[64 * 1024];
        var read = await socket.ReceiveAsync(buffer, context.RequestAborted);
        var answer = _logs.Execute(JsonElement.Parse(buffer.AsSpan(0, read.Count)));
        await socket.SendAsync(Encoding.UTF8.GetBytes(answer.ToJsonString()), WebSocketMessageType.Text, true, context.RequestAborted);
        await socket.ReceiveAsync(buffer, context.RequestAborted);
    }

    private static IResult Json(string text) => Results.Text(text, "application/json");

    private static IResult Problem(int status, string code) => Results.Problem("No.", statusCode: status, extensions: [new("code", code)]);
}
