namespace Steersman.ApiGateway.Audit;

/// <summary>Who did what, from where. The table takes new rows only.</summary>
internal sealed class AuditEntry
{
    public long Id { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>One of <see cref="AuditAction"/>.</summary>
    public required string Action { get; init; }

    /// <summary>The user or agent who did it; null when nobody had signed in.</summary>
    public string? Actor { get; init; }

    /// <summary>Whom or what it was done to.</summary>
    public string? Subject { get; init; }

    public string? RemoteAddress { get; init; }

    public string? Detail { get; init; }
}

internal static class AuditAction
{
    public const string SignedIn = "signed_in";
    public const string SignInFailed = "sign_in_failed";
    public const string SignedOut = "signed_out";
    public const string SignedOutEverywhere = "signed_out_everywhere";
    public const string PasswordChanged = "password_changed";
    public const string UserInvited = "user_invited";
    public const string UserCreated = "user_created";
    public const string UserChanged = "user_changed";
    public const string TokenCreated = "token_created";
    public const string TokenRevoked = "token_revoked";
    public const string AgentKeyCreated = "agent_key_created";
    public const string AgentKeyRevoked = "agent_key_revoked";
    public const string AgentKeyRefused = "agent_key_refused";
    public const string ApprovalDecided = "approval_decided";
    public const string AccessDenied = "access_denied";
}
