namespace Steersman.ApiGateway.Auth;

/// <summary>Lets whoever has its code make one account. The first user comes by one as well.</summary>
internal sealed class Invitation
{
    public required Guid Id { get; init; }

    public required byte[] CodeHash { get; init; }

    public required string Role { get; init; }

    /// <summary>Whom it is for; null for whoever has the code.</summary>
    public string? Email { get; init; }

    /// <summary>The admin who made it; null for the one of the first start.</summary>
    public Guid? InvitedBy { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? AcceptedAt { get; set; }

    public bool IsOpen(DateTimeOffset now) => AcceptedAt is null && now < ExpiresAt;
}
