using System.Security.Claims;

namespace Steersman.ApiGateway.Auth;

/// <summary>What is said of a caller, the same for a cookie and a token.</summary>
internal static class Claims
{
    public const string Subject = "sub";
    public const string Name = "name";
    public const string Role = "role";
    public const string Scope = "scope";

    /// <summary>The security stamp at sign-in: another one ends the session.</summary>
    public const string Stamp = "stamp";

    /// <summary>Which session, or which personal access token, was shown: what can be ended or revoked by itself.</summary>
    public const string Grant = "grant";

    public static ClaimsPrincipal Of(User user, string scheme, Guid grantId, IEnumerable<string> scopes) =>
        new(new ClaimsIdentity(
            [
                new(Subject, user.Id.ToString()),
                new(Name, user.DisplayName ?? user.Email ?? ""),
                new(Role, user.Role),
                new(Stamp, user.SecurityStamp ?? ""),
                new(Grant, grantId.ToString()),
                .. scopes.Select(scope => new Claim(Scope, scope)),
            ],
            scheme, Name, Role));

    /// <summary>The caller's id. Asked only behind a policy that lets people pass.</summary>
    public static Guid UserId(this ClaimsPrincipal caller) =>
        Guid.Parse(caller.FindFirstValue(Subject) ?? throw new InvalidOperationException("The caller has no id."));

    public static Guid? GrantId(this ClaimsPrincipal caller) =>
        Guid.TryParse(caller.FindFirstValue(Grant), out var id) ? id : null;

    public static bool HasScope(this ClaimsPrincipal caller, string scope) => caller.HasClaim(Scope, scope);
}

/// <summary>What a token may do. A browser's session may do what its user may.</summary>
internal static class Scopes
{
    public const string Read = "read";
    public const string Write = "write";
    public const string Admin = "admin";

    public static readonly string[] All = [Read, Write, Admin];
}
