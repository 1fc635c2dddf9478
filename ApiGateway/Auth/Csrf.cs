using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Auth;

/// <summary>
/// What a foreign page could make a browser send. Changes that a cookie authorises carry a token that only our own pages can
/// read; WebSockets and streams that a cookie authorises come from our own origin.
/// </summary>
internal sealed class Csrf(IAntiforgery antiforgery, IOptions<GatewayOptions> options)
{
    public const string Header = "X-CSRF-Token";

    public async Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        if (!IsOwnPage(context.Request))
        {
            await Problems.Of(StatusCodes.Status403Forbidden, "foreign_origin", "Pages of other sites may not use the gateway.").ExecuteAsync(context);
            return;
        }
        if (NeedsToken(context) && !await antiforgery.IsRequestValidAsync(context))
        {
            await Problems.Of(StatusCodes.Status403Forbidden, "csrf_token_missing", $"Send {Header} with the token of GET /api/session.").ExecuteAsync(context);
            return;
        }
        await next(context);
    }

    private static bool NeedsToken(HttpContext context) =>
        !AuthSetup.IsSafe(context.Request.Method)
        && context.User.Identity is { IsAuthenticated: true, AuthenticationType: Schemes.Cookie }
        // Negotiation changes nothing, its client sends no header of ours, and its origin was checked.
        && !context.Request.Path.StartsWithSegments("/hubs", StringComparison.Ordinal);

    /// <summary>What a browser itself says of the page; it knows of http and https, which a proxy may have changed. Others say nothing.</summary>
    private static bool IsSameOrigin(HttpRequest request) => request.Headers["Sec-Fetch-Site"].ToString() is "" or "same-origin" or "none";

    private bool IsOwnPage(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0)
        {
            // A link from elsewhere may be followed. A page of the same site is not ours: a neighbour's subdomain is none of ours.
            return AuthSetup.IsSafe(request.Method) || IsSameOrigin(request);
        }
        return options.Value.Origins.Contains(origin, StringComparer.OrdinalIgnoreCase)
            || (IsSameOrigin(request) && Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority == request.Host.Value);
    }
}

internal static class CsrfSetup
{
    public static void UseCsrfGuard(this WebApplication app) =>
        app.Use(ActivatorUtilities.CreateInstance<Csrf>(app.Services).GuardAsync);
}
