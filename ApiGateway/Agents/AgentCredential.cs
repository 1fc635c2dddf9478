namespace Steersman.ApiGateway.Agents;

/// <summary>The key of one agent or of one deployment of agents. Only the hash of its secret is kept.</summary>
internal sealed class AgentCredential
{
    public required Guid Id { get; init; }

    public required string Name { get; init; }

    public required byte[] SecretHash { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>To the minute.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }
}
