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

    private bool IsOwnPage(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0)
        {
            return request.Headers["Sec-Fetch-Site"].ToString() is not "cross-site" || AuthSetup.IsSafe(request.Method);
        }
        return Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && (uri.Authority == request.Host.Value || options.Value.Origins.Contains(origin, StringComparer.OrdinalIgnoreCase));
    }
}

internal static class CsrfSetup
{
    public static void UseCsrfGuard(this WebApplication app) =>
        app.Use(ActivatorUtilities.CreateInstance<Csrf>(app.Services).GuardAsync);
}
