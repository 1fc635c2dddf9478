using System.Security.Claims;

namespace Steersman.ApiGateway.Auth;

/// <summary>On whose behalf something is watched or done. Agents judge what this person may see.</summary>
internal sealed record Watcher(Guid UserId, IReadOnlyList<string> Roles)
{
    public static Watcher Of(ClaimsPrincipal caller) =>
        new(caller.UserId(), [.. caller.FindAll(Claims.Role).Select(role => role.Value)]);
}
