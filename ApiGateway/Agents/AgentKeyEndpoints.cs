using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Storage;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Agents;

internal sealed record AgentKeyRequest([property: Required, MaxLength(100)] string Name);

/// <summary>The key is shown this once.</summary>
internal sealed record NewAgentKeyView(string Key, Guid KeyId, string Name);

internal sealed record AgentKeyView(Guid KeyId, string Name, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt);

internal sealed record HubTokenView(string AccessToken, int ExpiresIn);

/// <summary>Agents' keys, and what agents exchange them for.</summary>
internal static class AgentKeyEndpoints
{
    public static void MapAgentKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/agent-keys").WithTags("agents").RequireAuthorization(Policies.Admin);
        keys.MapGet("", ListAsync);
        keys.MapPost("", CreateAsync);
        keys.MapDelete("/{keyId:guid}", RevokeAsync);
    }

    public static void MapHubTokens(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/agents/token", ExchangeAsync).AllowAnonymous().RequireRateLimiting(Limits.AgentKey).ExcludeFromDescription();

    private static async Task<Results<Ok<HubTokenView>, ProblemHttpResult>> ExchangeAsync(
        AgentKeys keys, TokenMint mint, HttpContext context)
    {
        if (await keys.FindAgentAsync(BearerToken.Of(context.Request), context.RequestAborted) is not { } agent)
        {
            return Problems.Of(StatusCodes.Status401Unauthorized, "agent_key_not_valid", "An admin makes an agent's key at POST /api/agent-keys.");
        }
        var token = await mint.ForHubAsync(agent, context.RequestAborted);
        return TypedResults.Ok(new HubTokenView(token, (int)mint.HubTokenLifetime.TotalSeconds));
    }

    private static async Task<Ok<Page<AgentKeyView>>> ListAsync(GatewayDb db, CancellationToken cancellationToken) =>
        TypedResults.Ok(new Page<AgentKeyView>(await db.AgentCredentials.Where(key => key.RevokedAt == null).OrderBy(key => key.Id)
            .Select(key => new AgentKeyView(key.Id, key.Name, key.CreatedAt, key.LastUsedAt)).ToListAsync(cancellationToken)));

    private static async Task<Created<NewAgentKeyView>> CreateAsync(
        AgentKeyRequest request, GatewayDb db, AuditLog audit, TimeProvider time, CancellationToken cancellationToken)
    {
        var secret = Secret.Make(AgentKeys.Prefix);
        db.AgentCredentials.Add(new AgentCredential { Id = secret.Id, Name = request.Name, SecretHash = secret.Hash, CreatedAt = time.GetUtcNow() });
        audit.Add(AuditAction.AgentKeyCreated, subject: secret.Id.ToString());
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Created((string?)null, new NewAgentKeyView(secret.Text, secret.Id, request.Name));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        Guid keyId, GatewayDb db, AuditLog audit, AgentKeys keys, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await db.AgentCredentials.SingleOrDefaultAsync(key => key.Id == keyId && key.RevokedAt == null, cancellationToken) is not { } found)
        {
            return Problems.NotFound("agent_key");
        }
        found.RevokedAt = time.GetUtcNow();
        audit.Add(AuditAction.AgentKeyRevoked, subject: keyId.ToString());
        await db.SaveChangesAsync(cancellationToken);
        keys.NoteRevoked(keyId);
        return TypedResults.NoContent();
    }
}
