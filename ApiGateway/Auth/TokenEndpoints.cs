using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Storage;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Auth;

internal sealed record TokenRequest(
    [property: Required, MaxLength(100)] string Name,
    [property: Required, MinLength(1)] string[] Scopes,
    [property: Range(1, 366)] int ExpiresInDays = 90);

internal sealed record TokenView(
    Guid TokenId, string Name, string[] Scopes, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? LastUsedAt);

/// <summary>The token is shown this once.</summary>
internal sealed record NewTokenView(string Token, Guid TokenId, string Name, string[] Scopes, DateTimeOffset ExpiresAt);

/// <summary>Personal access tokens of the caller.</summary>
internal static class TokenEndpoints
{
    private const int MaxTokens = 100;

    public static void MapTokens(this IEndpointRouteBuilder routes)
    {
        var tokens = routes.MapGroup("/tokens").WithTags("tokens").RequireAuthorization(Policies.Read);
        tokens.MapGet("", ListAsync);
        tokens.MapPost("", CreateAsync).RequireAuthorization(Policies.Write);
        tokens.MapDelete("/{tokenId:guid}", RevokeAsync).RequireAuthorization(Policies.Write);
    }

    private static async Task<Ok<Page<TokenView>>> ListAsync(ClaimsPrincipal caller, GatewayDb db, CancellationToken cancellationToken)
    {
        var userId = caller.UserId();
        var found = await db.PersonalAccessTokens.Where(token => token.UserId == userId && token.RevokedAt == null)
            .OrderBy(token => token.Id)
            .Select(token => new TokenView(token.Id, token.Name, token.Scopes, token.CreatedAt, token.ExpiresAt, token.LastUsedAt))
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<TokenView>(found));
    }

    private static async Task<Results<Created<NewTokenView>, ProblemHttpResult>> CreateAsync(
        TokenRequest request, ClaimsPrincipal caller, GatewayDb db, AuditLog audit, TimeProvider time, CancellationToken cancellationToken)
    {
        // A token that leaked must not be able to make itself immortal, or mightier.
        if (caller.Identity?.AuthenticationType != Schemes.Cookie)
        {
            return Problems.Of(StatusCodes.Status403Forbidden, "session_needed", "A token is made by a person who has signed in, not by a token.");
        }
        // A list in JSON may hold nulls, whatever its type says.
        if (request.Scopes.Any(scope => scope is null || !caller.HasScope(scope)))
        {
            return Problems.Invalid($"scopes: one is unknown or not yours; expected some of {string.Join(", ", caller.FindAll(Claims.Scope).Select(c => c.Value))}.");
        }
        var userId = caller.UserId();
        if (await db.PersonalAccessTokens.CountAsync(token => token.UserId == userId && token.RevokedAt == null, cancellationToken) >= MaxTokens)
        {
            return Problems.Of(StatusCodes.Status409Conflict, "too_many_tokens", $"You have {MaxTokens} tokens: revoke one first.");
        }
        var secret = Secret.Make(AccessTokenHandler.Prefix);
        var now = time.GetUtcNow();
        var token = new PersonalAccessToken
        {
            Id = secret.Id,
            UserId = userId,
            Name = request.Name,
            SecretHash = secret.Hash,
            Scopes = [.. request.Scopes.Distinct()],
            CreatedAt = now,
            ExpiresAt = now.AddDays(request.ExpiresInDays),
        };
        db.PersonalAccessTokens.Add(token);
        audit.Add(AuditAction.TokenCreated, subject: token.Id.ToString());
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Created((string?)null, new NewTokenView(secret.Text, token.Id, token.Name, token.Scopes, token.ExpiresAt));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        Guid tokenId, ClaimsPrincipal caller, GatewayDb db, UserStates states, AuditLog audit, TimeProvider time, CancellationToken cancellationToken)
    {
        var userId = caller.UserId();
        var token = await db.PersonalAccessTokens.SingleOrDefaultAsync(
            t => t.Id == tokenId && t.UserId == userId && t.RevokedAt == null, cancellationToken);
        if (token is null)
        {
            return Problems.NotFound("token");
        }
        token.RevokedAt = time.GetUtcNow();
        audit.Add(AuditAction.TokenRevoked, subject: tokenId.ToString());
        await db.SaveChangesAsync(cancellationToken);
        states.Forget(userId, tokenId);
        return TypedResults.NoContent();
    }
}
