using Microsoft.AspNetCore.Identity;

namespace Steersman.ApiGateway.Auth;

/// <summary>A person. Their id is the owner of their tasks.</summary>
internal sealed class User : IdentityUser<Guid>
{
    public User() => Id = Guid.CreateVersion7();

    public string Role { get; set; } = Roles.User;

    public string? DisplayName { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When an admin disabled the account; null while it may be used.</summary>
    public DateTimeOffset? DisabledAt { get; set; }
}

internal static class Roles
{
    public const string User = "user";
    public const string Admin = "admin";

    public static bool IsKnown(string role) => role is User or Admin;
}
