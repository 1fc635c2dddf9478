using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Auth;

internal sealed class AccessTokenOptions : AuthenticationSchemeOptions;

/// <summary>Personal access tokens. A token never can more than its user, nor more than its scopes.</summary>
internal sealed class AccessTokenHandler(
    IOptionsMonitor<AccessTokenOptions> options, ILoggerFactory loggers, UrlEncoder encoder, GatewayDb db, TimeProvider time)
    : AuthenticationHandler<AccessTokenOptions>(options, loggers, encoder)
{
    public const string Prefix = "stp";
    private static readonly TimeSpan s_usePrecision = TimeSpan.FromMinutes(1);

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!Secret.TryParse(Prefix, BearerToken.Of(Request), out var secret))
        {
            return AuthenticateResult.NoResult();
        }
        var found = await db.PersonalAccessTokens.AsNoTracking()
            .Where(token => token.Id == secret.Id)
            .Join(db.Users, token => token.UserId, user => user.Id, (token, user) => new { Token = token, User = user })
            .SingleOrDefaultAsync(Context.RequestAborted);
        var now = time.GetUtcNow();
        if (found is null || !secret.Matches(found.Token.SecretHash) || !found.Token.IsValid(now) || found.User.DisabledAt is not null)
        {
            return AuthenticateResult.Fail("The token is not valid.");
        }
        await NoteUseAsync(found.Token, now);
        return AuthenticateResult.Success(Ticket(found.Token, found.User));
    }

    private static AuthenticationTicket Ticket(PersonalAccessToken token, User user)
    {
        var principal = Claims.Of(user, Schemes.Token, token.Id, token.Scopes);
        return new AuthenticationTicket(principal, new AuthenticationProperties { ExpiresUtc = token.ExpiresAt }, Schemes.Token);
    }

    private async Task NoteUseAsync(PersonalAccessToken token, DateTimeOffset now)
    {
        if (token.LastUsedAt + s_usePrecision > now)
        {
            return;
        }
        await db.PersonalAccessTokens.Where(t => t.Id == token.Id)
            .ExecuteUpdateAsync(update => update.SetProperty(t => t.LastUsedAt, now), Context.RequestAborted);
    }
}
