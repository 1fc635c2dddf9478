using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Tasks;

/// <summary>The agents' REST API, SSE and WebSocket under <c>/api</c>, with the caller's identity in place of their credentials.</summary>
internal static class Forwarding
{
    // Only what is the agents': a new route of theirs is opened here on purpose.
    private static readonly string[] s_routes =
        ["/tasks/{**rest}", "/approvals/{**rest}", "/conversations/{**rest}", "/workspaces/{**rest}"];

    // Not TRACE, which would show the token that we add, and nothing that a later server may understand.
    private static readonly string[] s_methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

    public static void AddForwarding(this WebApplicationBuilder builder)
    {
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<AgentTransformer>();
        builder.Services.AddSingleton<AgentForwarder>();
        builder.Services.AddSingleton<AnswerCache>();
    }

    public static void MapForwarding(this IEndpointRouteBuilder api)
    {
        // The forwarder has time limits of its own: a stream has none.
        var forwarded = api.MapGroup("").ExcludeFromDescription().DisableAntiforgery();
        forwarded.DisableRequestTimeout();
        foreach (var route in s_routes)
        {
            forwarded.MapMethods(route, s_methods, ForwardAsync).RequireAuthorization(Policies.ByMethod);
        }
        forwarded.MapDelete("/tasks/{taskId:guid}", DeleteAsync).RequireAuthorization(Policies.Write);
        // Commands come over the socket as well, so reading is not enough.
        forwarded.MapGet("/ws/chat", ForwardAsync).RequireAuthorization(Policies.Write);
    }

    private static Task ForwardAsync(HttpContext context, AgentForwarder forwarder) => forwarder.ForwardAsync(context);

    private static async Task DeleteAsync(Guid taskId, HttpContext context, AgentForwarder forwarder, AnswerCache cache)
    {
        await forwarder.ForwardAsync(context);
        await cache.ForgetAsync(AnswerCache.KeyOf(Watcher.Of(context.User), taskId));
    }
}
