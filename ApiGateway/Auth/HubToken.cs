using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.Tokens;

namespace Steersman.ApiGateway.Auth;

/// <summary>How an agent's token for the hub is judged. People never show one.</summary>
internal static class HubToken
{
    public const string Path = "/hubs/agent";
    public const string Role = "agent";
    private static readonly TimeSpan s_clockSkew = TimeSpan.FromSeconds(5);

    public static void Configure(JwtBearerOptions options, SigningKeyRing keys, TimeProvider time)
    {
        options.MapInboundClaims = false;
        options.TimeProvider = time;
        options.Events = new JwtBearerEvents
        {
            OnMessageReceived = async context =>
            {
                context.Token = BearerToken.Of(context.Request);
                // This replica may have minted nothing since another one began to sign with a new key.
                await keys.CurrentAsync(context.HttpContext.RequestAborted);
            },
        };
        options.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = TokenMint.Issuer,
            ValidAudience = TokenMint.HubAudience,
            ValidTypes = [TokenMint.TokenType],
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            // Only keys of ours: what the token says of keys (kid aside) is not looked at.
            IssuerSigningKeyResolver = (_, _, keyId, _) => keys.Published.Where(key => key.KeyId == keyId),
            TryAllIssuerSigningKeys = false,
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            NameClaimType = Claims.Subject,
            RoleClaimType = "roles",
            ClockSkew = s_clockSkew,
        };
    }
}
