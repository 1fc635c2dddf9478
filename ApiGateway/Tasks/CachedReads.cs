using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Live;

namespace Steersman.ApiGateway.Tasks;

/// <summary>What is read often and does not change: the team, and the views of tasks that have ended. Who has them is told so (304).</summary>
internal static class CachedReads
{
    private const string Json = "application/json";
    private static readonly string[] s_methods = ["GET", "HEAD"];

    public static void MapCachedReads(this IEndpointRouteBuilder api)
    {
        var reads = api.MapGroup("").ExcludeFromDescription().RequireAuthorization(Policies.Read);
        reads.MapMethods("/roles", s_methods, (AgentApi agents, AnswerCache cache, HttpContext context) => TeamAsync("roles", agents, cache, context));
        reads.MapMethods("/tools", s_methods, (AgentApi agents, AnswerCache cache, HttpContext context) => TeamAsync("tools", agents, cache, context));
        reads.MapGet("/tasks/{taskId:guid}", ViewAsync);
    }

    private static Task<IResult> TeamAsync(string path, AgentApi agents, AnswerCache cache, HttpContext context) =>
        AgentProblems.OrAsync(async () =>
        {
            var answer = await cache.FindAsync(path, context.RequestAborted)
                ?? await cache.KeepAsync(path, await ReadAsync(agents, path, context), context.RequestAborted);
            return Tagged(answer, context.Response);
        });

    private static async Task<IResult> ViewAsync(
        Guid taskId, AgentApi agents, AnswerCache cache, AgentForwarder forwarder, HttpContext context)
    {
        if (context.Request.QueryString.HasValue)
        {
            await forwarder.ForwardAsync(context);
            return TypedResults.Empty;
        }
        var key = AnswerCache.KeyOf(Watcher.Of(context.User), taskId);
        return await AgentProblems.OrAsync(async () =>
        {
            if (await cache.FindAsync(key, context.RequestAborted) is { } kept)
            {
                return Tagged(kept, context.Response);
            }
            var body = await ReadAsync(agents, $"tasks/{taskId}", context);
            return IsFinal(body)
                ? Tagged(await cache.KeepAsync(key, body, context.RequestAborted), context.Response)
                : TypedResults.Bytes(body, Json);
        });
    }

    private static async Task<byte[]> ReadAsync(AgentApi agents, string path, HttpContext context)
    {
        using var response = await agents.GetAsync(path, Watcher.Of(context.User), context.RequestAborted);
        return await response.Content.ReadAsByteArrayAsync(context.RequestAborted);
    }

    /// <summary>An answer that whoever has it already is not sent again.</summary>
    public static FileContentHttpResult Tagged(CachedAnswer answer, HttpResponse response)
    {
        response.Headers.CacheControl = "private, no-cache";
        return TypedResults.Bytes(answer.Body, Json, entityTag: EntityTagHeaderValue.Parse(answer.Tag));
    }

    private static bool IsFinal(byte[] view)
    {
        using var document = JsonDocument.Parse(view);
        return document.RootElement.GetProperty("state").GetString() is "completed" or "failed" or "stopped";
    }
}
