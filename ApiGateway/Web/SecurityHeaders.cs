using Scalar.AspNetCore;

namespace Steersman.ApiGateway.Web;

/// <summary>What every answer says to browsers.</summary>
internal static class SecurityHeaders
{
    // wasm-unsafe-eval lets WebAssembly compile; styles are inline in component libraries.
    private const string Policy =
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        + "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    // Nothing of these is a page: what an agent's files hold must not become one of ours, nor a script of it.
    private const string ApiPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox";
    private static readonly string[] s_apis = ["/api", "/agents", "/hubs", "/health", "/.well-known"];

    // The page at /docs begins with a script of its own, which this answer alone may run.
    private static string DocsPolicy(string nonce) =>
        $"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        + "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    public static void UseSecurityHeaders(this WebApplication app)
    {
        app.UseHsts();
        app.Use((context, next) =>
        {
            context.Response.OnStarting(Add, context);
            return next(context);
        });
    }

    private static Task Add(object state)
    {
        var context = (HttpContext)state;
        var headers = context.Response.Headers;
        var isApi = s_apis.Any(path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase));
        headers.ContentSecurityPolicy = (isApi, context.Items[ScalarOptions.NonceHttpContextItemKey]) switch
        {
            (true, _) => ApiPolicy,
            (_, string nonce) => DocsPolicy(nonce),
            _ => Policy,
        };
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (isApi && headers.CacheControl.Count == 0 && headers.ETag.Count == 0)
        {
            headers.CacheControl = "no-store";
        }
        return Task.CompletedTask;
    }
}
