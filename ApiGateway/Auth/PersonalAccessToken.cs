namespace Steersman.ApiGateway.Auth;

/// <summary>What a script shows in place of a person. Only the hash of its secret is kept.</summary>
internal sealed class PersonalAccessToken
{
    public required Guid Id { get; init; }

    public required Guid UserId { get; init; }

    public required string Name { get; init; }

    public required byte[] SecretHash { get; init; }

    public required string[] Scopes { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>To the minute: it is not written at each use.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    public bool IsValid(DateTimeOffset now) => RevokedAt is null && now < ExpiresAt;
}
