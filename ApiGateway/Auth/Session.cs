namespace Steersman.ApiGateway.Auth;

/// <summary>
/// A browser that has signed in. Its cookie names the session, so that signing out ends it here as well: a copy of the cookie
/// is worth nothing afterwards.
/// </summary>
internal sealed class Session
{
    public required Guid Id { get; init; }

    public required Guid UserId { get; init; }

    public required DateTimeOffset StartedAt { get; init; }
}
