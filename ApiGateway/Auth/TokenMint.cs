using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Steersman.ApiGateway.Auth;

/// <summary>Mints the short-lived tokens that are used inside: by people's requests towards agents, by agents towards the hub.</summary>
internal sealed class TokenMint(SigningKeyRing keys, IOptions<GatewayOptions> options, TimeProvider time)
{
    public TimeSpan HubTokenLifetime => options.Value.HubTokenLifetime;

    public const string Issuer = "steersman-gateway";
    public const string AgentAudience = "steersman-agent";
    public const string HubAudience = "steersman-hub";
    public const string TokenType = "at+jwt";
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>A token with which an agent takes a request as this user's.</summary>
    public ValueTask<string> ForAgentAsync(Watcher user, CancellationToken cancellationToken) =>
        MintAsync(AgentAudience, user.UserId.ToString(), [.. user.Roles], options.Value.AgentTokenLifetime, cancellationToken);

    /// <summary>A token with which an agent connects to the hub.</summary>
    public ValueTask<string> ForHubAsync(string agent, CancellationToken cancellationToken) =>
        MintAsync(HubAudience, agent, [HubToken.Role], options.Value.HubTokenLifetime, cancellationToken);

    private async ValueTask<string> MintAsync(
        string audience, string subject, string[] roles, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = audience,
            TokenType = TokenType,
            Claims = new Dictionary<string, object> { ["sub"] = subject, ["roles"] = roles },
            IssuedAt = now,
            NotBefore = now,
            Expires = now + lifetime,
            SigningCredentials = new(await keys.CurrentAsync(cancellationToken), SecurityAlgorithms.EcdsaSha256),
        });
    }
}
