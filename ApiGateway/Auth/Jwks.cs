using Microsoft.IdentityModel.Tokens;

namespace Steersman.ApiGateway.Auth;

/// <summary>The public halves of the signing keys (RFC 7517).</summary>
internal static class Jwks
{
    public static void MapJwks(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/.well-known/jwks.json", async (SigningKeyRing ring, HttpContext context) =>
        {
            await ring.CurrentAsync(context.RequestAborted);
            context.Response.Headers.CacheControl = "public, max-age=60";
            return TypedResults.Json(new { keys = ring.Published.Select(Describe) });
        }).AllowAnonymous().ExcludeFromDescription();

    private static object Describe(ECDsaSecurityKey key)
    {
        var point = key.ECDsa.ExportParameters(includePrivateParameters: false).Q;
        return new
        {
            kty = "EC",
            crv = "P-256",
            x = Base64UrlEncoder.Encode(point.X),
            y = Base64UrlEncoder.Encode(point.Y),
            kid = key.KeyId,
            use = "sig",
            alg = SecurityAlgorithms.EcdsaSha256,
        };
    }
}
