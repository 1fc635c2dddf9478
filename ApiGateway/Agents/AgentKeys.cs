using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Agents;

/// <summary>Who may connect as an agent: keys from the configuration and keys that admins made.</summary>
internal sealed class AgentKeys(GatewayDb db, AuditLog audit, AgentRevocations revocations, IOptions<GatewayOptions> options, TimeProvider time)
{
    public const string Prefix = "sta";
    private const string ConfiguredPrefix = "agent:";
    private const string MadePrefix = "agent-key:";
    private static readonly TimeSpan s_usePrecision = TimeSpan.FromMinutes(1);

    /// <summary>The agent whose key this is, as it is called in tokens and logs; null for no valid key.</summary>
    public async Task<string?> FindAgentAsync(string? key, CancellationToken cancellationToken)
    {
        var agent = key is null ? null : FindConfigured(key) ?? await FindMadeAsync(key, cancellationToken);
        if (agent is null)
        {
            await audit.WriteAsync(AuditAction.AgentKeyRefused, cancellationToken: CancellationToken.None);
        }
        return agent;
    }

    /// <summary>Whether this agent's key still stands: a token that it was exchanged for must not outlive it.</summary>
    public async Task<bool> IsCurrentAsync(string agent, CancellationToken cancellationToken)
    {
        if (agent.StartsWith(ConfiguredPrefix, StringComparison.Ordinal))
        {
            return options.Value.AgentKeys.ContainsKey(agent[ConfiguredPrefix.Length..]);
        }
        return agent.StartsWith(MadePrefix, StringComparison.Ordinal) && Guid.TryParse(agent.AsSpan(MadePrefix.Length), out var id)
            && await db.AgentCredentials.AnyAsync(key => key.Id == id && key.RevokedAt == null, cancellationToken);
    }

    public void NoteRevoked(Guid keyId) => revocations.Raise(NameOf(keyId));

    private string? FindConfigured(string key)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        return options.Value.AgentKeys
            .Where(pair => CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(pair.Value)), hash))
            .Select(pair => ConfiguredPrefix + pair.Key)
            .FirstOrDefault();
    }

    private async Task<string?> FindMadeAsync(string key, CancellationToken cancellationToken)
    {
        if (!Secret.TryParse(Prefix, key, out var secret))
        {
            return null;
        }
        var found = await db.AgentCredentials.AsNoTracking().SingleOrDefaultAsync(c => c.Id == secret.Id, cancellationToken);
        if (found is null || found.RevokedAt is not null || !secret.Matches(found.SecretHash))
        {
            return null;
        }
        var now = time.GetUtcNow();
        if (found.LastUsedAt is null || found.LastUsedAt + s_usePrecision < now)
        {
            await db.AgentCredentials.Where(c => c.Id == found.Id)
                .ExecuteUpdateAsync(update => update.SetProperty(c => c.LastUsedAt, now), cancellationToken);
        }
        return NameOf(found.Id);
    }

    private static string NameOf(Guid keyId) => $"{MadePrefix}{keyId}";
}

/// <summary>Tells the hub that an agent may no longer be connected.</summary>
internal sealed class AgentRevocations
{
    public event Action<string>? Revoked;

    public void Raise(string agent) => Revoked?.Invoke(agent);
}
