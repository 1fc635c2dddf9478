using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Live;
using Steersman.ApiGateway.Web;
using Yarp.ReverseProxy.Forwarder;

namespace Steersman.ApiGateway.Tasks;

/// <summary>Hands a request to the first agent that takes it.</summary>
internal sealed class AgentForwarder(
    IHttpForwarder forwarder, AgentApi agents, AgentTransformer transformer, PeopleConnections people, IOptions<GatewayOptions> options) : IDisposable
{
    private static readonly TimeSpan s_connectTime = TimeSpan.FromSeconds(3);

    // An agent says something on each stream at least every 15 s; it may clone a repository in silence.
    private static readonly ForwarderRequestConfig s_slow = new() { ActivityTimeout = TimeSpan.FromMinutes(10) };
    private readonly ForwarderRequestConfig _quick = new() { ActivityTimeout = options.Value.Limits.AnswerTime };
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        ActivityHeadersPropagator = new ReverseProxyPropagator(DistributedContextPropagator.Current),
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
        using var activity = Telemetry.Source.StartActivity("forward to an agent");
        var config = IsSlow(context.Request) ? s_slow : _quick;
        var error = ForwarderError.NoAvailableDestinations;
        foreach (var address in agents.Addresses.OrderBy(_ => Random.Shared.Next()))
        {
            activity?.SetTag("server.address", address.Host);
            error = await forwarder.SendAsync(context, address.ToString(), _http, config, transformer, context.RequestAborted);
            if (!MayAskAnother(context, error))
            {
                break;
            }
            context.Response.Clear(); // the forwarder takes an answer that says nothing yet
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
        var tooLarge = IsTooLarge(FailureOf(context));
        context.Response.Clear();
        var answer = error switch
        {
            _ when tooLarge => Problems.Of(StatusCodes.Status413PayloadTooLarge, "too_large", "The body is larger than the gateway takes."),
            ForwarderError.RequestTimedOut => Problems.Of(StatusCodes.Status504GatewayTimeout, "timeout", "The agent did not answer in time; try again."),
            _ => Problems.Unavailable("no_agent", "No agent answers now; try again."),
        };
        await answer.ExecuteAsync(context);
    }

    /// <summary>One that changes something goes to another agent only if it has reached nobody: it might be done twice.</summary>
    private static bool MayAskAnother(HttpContext context, ForwarderError error) =>
        error != ForwarderError.None && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested
        && (HasReachedNobody(FailureOf(context)) || (error == ForwarderError.Request && AuthSetup.IsSafe(context.Request.Method)));

    private static bool HasReachedNobody(Exception? failure) => failure is
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError }
        or OperationCanceledException { InnerException: TimeoutException };

    private static bool IsTooLarge(Exception? failure) => failure switch
    {
        null => false,
        BadHttpRequestException bad => bad.StatusCode == StatusCodes.Status413PayloadTooLarge,
        AggregateException several => several.InnerExceptions.Any(IsTooLarge),
        _ => IsTooLarge(failure.InnerException),
    };

    private static Exception? FailureOf(HttpContext context) => context.Features.Get<IForwarderErrorFeature>()?.Exception;

    private static bool IsSlow(HttpRequest request) =>
        HttpMethods.IsPut(request.Method)
        || request.Headers.ContainsKey(HeaderNames.Upgrade)
        || request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase)
        || request.Path.Value?.EndsWith("/archive", StringComparison.Ordinal) == true;

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
}
