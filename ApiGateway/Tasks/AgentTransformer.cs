using System.Net.Http.Headers;
using Microsoft.Net.Http.Headers;
using Steersman.ApiGateway.Auth;
using Yarp.ReverseProxy.Forwarder;

namespace Steersman.ApiGateway.Tasks;

/// <summary>
/// What a request says of its caller is replaced by what the gateway knows: cookies and tokens end here, and a header that
/// claims to be from a proxy or to name a user does not pass.
/// </summary>
internal sealed class AgentTransformer(TokenMint mint) : HttpTransformer
{
    private const string Prefix = "/api";
    private static readonly string[] s_untrusted = ["X-Forwarded-", "X-User", "X-Original-", "X-Real-", "X-Steersman-"];

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        var path = httpContext.Request.Path.StartsWithSegments(Prefix, StringComparison.Ordinal, out var rest) ? rest : httpContext.Request.Path;
        proxyRequest.RequestUri = RequestUtilities.MakeDestinationAddress(destinationPrefix, path, httpContext.Request.QueryString);
        var headers = proxyRequest.Headers;
        headers.Host = null;
        headers.Remove(HeaderNames.Cookie);
        headers.Remove(HeaderNames.Origin);
        headers.Remove("Forwarded");
        headers.Remove(Csrf.Header);
        foreach (var name in headers.NonValidated.Select(header => header.Key).Where(IsUntrusted).ToArray())
        {
            headers.Remove(name);
        }
        var token = await mint.ForAgentAsync(Watcher.Of(httpContext.User), cancellationToken);
        headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        var copied = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        if (proxyResponse is { Headers.Location: { } location, RequestMessage.RequestUri: { } asked })
        {
            // An agent's address is nobody's business, and nobody is sent anywhere but here.
            httpContext.Response.Headers.Location = Prefix + new Uri(asked, location).PathAndQuery;
        }
        httpContext.Response.Headers.Remove(HeaderNames.SetCookie);
        httpContext.Response.Headers.Remove(HeaderNames.Server);
        return copied;
    }

    private static bool IsUntrusted(string header) => s_untrusted.Any(prefix => header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
