using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.Extensions.Options;

namespace Steersman.ApiGateway.Auth;

/// <summary>A browser's session. It ends with its row (sign-out) and with its user's stamp: sign-out everywhere, another password, a disabled account.</summary>
internal static class SessionCookie
{
    public const string Name = "__Host-steersman";

    public static void Configure(CookieAuthenticationOptions options, IOptions<GatewayOptions> gateway)
    {
        options.Cookie.Name = Name;
        options.Cookie.HttpOnly = true;
        options.Cookie.SameSite = SameSiteMode.Lax;
        options.Cookie.SecurePolicy = CookieSecurePolicy.Always;
        options.ExpireTimeSpan = gateway.Value.SessionLifetime;
        options.SlidingExpiration = true;
        // An API: whoever may not is told so, and not sent to a page.
        options.Events.OnRedirectToLogin = context => Answer(context, StatusCodes.Status401Unauthorized);
        options.Events.OnRedirectToAccessDenied = context => Answer(context, StatusCodes.Status403Forbidden);
        options.Events.OnValidatePrincipal = ValidateAsync;
    }

    private static Task Answer(RedirectContext<CookieAuthenticationOptions> context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var states = context.HttpContext.RequestServices.GetRequiredService<UserStates>();
        if (context.Principal is not { } caller || !await states.IsCurrentAsync(caller, context.HttpContext.RequestAborted))
        {
            context.RejectPrincipal();
            await context.HttpContext.SignOutAsync(Schemes.Cookie);
        }
    }
}
