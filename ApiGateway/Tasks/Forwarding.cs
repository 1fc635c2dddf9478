using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Live;
using Steersman.ApiGateway.Web;
using Yarp.ReverseProxy.Forwarder;

namespace Steersman.ApiGateway.Tasks;

/// <summary>The agents' REST API, SSE and WebSocket under <c>/api</c>, with the caller's identity in place of their credentials.</summary>
internal static class Forwarding
{
    // Only what is the agents': a new route of theirs is opened here on purpose.
    private static readonly string[] s_routes =
        ["/tasks/{**rest}", "/approvals/{**rest}", "/conversations/{**rest}", "/workspaces/{**rest}", "/roles", "/tools"];

    public static void AddForwarding(this WebApplicationBuilder builder)
    {
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<AgentTransformer>();
        builder.Services.AddSingleton<AgentForwarder>();
    }

    public static void MapForwarding(this IEndpointRouteBuilder api)
    {
        var forwarded = api.MapGroup("").ExcludeFromDescription().DisableAntiforgery();
        foreach (var route in s_routes)
        {
            forwarded.Map(route, ForwardAsync).RequireAuthorization(Policies.ByMethod);
        }
        // Commands come over the socket as well, so reading is not enough.
        forwarded.Map("/ws/chat", ForwardAsync).RequireAuthorization(Policies.Write);
    }

    private static Task ForwardAsync(HttpContext context, AgentForwarder forwarder) => forwarder.ForwardAsync(context);
}

/// <summary>Hands a request to the first agent that takes it.</summary>
internal sealed class AgentForwarder(
    IHttpForwarder forwarder, AgentApi agents, AgentTransformer transformer, PeopleConnections people, IOptions<GatewayOptions> options) : IDisposable
{
    private static readonly TimeSpan s_connectTime = TimeSpan.FromSeconds(3);
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = s_connectTime,
        EnableMultipleHttp2Connections = true,
        UseCookies = false,
        UseProxy = false,
    });

    public async Task ForwardAsync(HttpContext context)
    {
        AllowUpload(context);
        // A stream or a socket may last for days; it ends with the session or the token that opened it.
        using var held = people.Hold(context.User, context.Abort);
        var error = ForwarderError.NoAvailableDestinations;
        foreach (var address in agents.Addresses.OrderBy(_ => Random.Shared.Next()))
        {
            error = await forwarder.SendAsync(context, address.ToString(), _http, ForwarderRequestConfig.Empty, transformer, context.RequestAborted);
            // A request that reached nobody may go to the next agent, unless its body is spent.
            if (error != ForwarderError.Request || context.Response.HasStarted || HasBody(context.Request))
            {
                break;
            }
        }
        await AnswerAsync(context, error);
    }

    public void Dispose() => _http.Dispose();

    private static async Task AnswerAsync(HttpContext context, ForwarderError error)
    {
        if (error == ForwarderError.None || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        var tooLarge = context.Features.Get<IForwarderErrorFeature>()?.Exception is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge };
        context.Response.Clear();
        var answer = error switch
        {
            _ when tooLarge => Problems.Of(StatusCodes.Status413PayloadTooLarge, "too_large", "The body is larger than the gateway takes."),
            ForwarderError.RequestTimedOut => Problems.Of(StatusCodes.Status504GatewayTimeout, "timeout", "The agent did not answer in time; try again."),
            _ => Problems.Unavailable("no_agent", "No agent answers now; try again."),
        };
        await answer.ExecuteAsync(context);
    }

    private void AllowUpload(HttpContext context)
    {
        var limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>();
        var isUpload = HttpMethods.IsPut(context.Request.Method)
            && context.Request.Path.StartsWithSegments("/api/workspaces", StringComparison.Ordinal);
        if (isUpload && limit is { IsReadOnly: false })
        {
            limit.MaxRequestBodySize = options.Value.Limits.UploadBytes;
        }
    }

    private static bool HasBody(HttpRequest request) => request.ContentLength is > 0 || request.Headers.TransferEncoding.Count > 0;
}
