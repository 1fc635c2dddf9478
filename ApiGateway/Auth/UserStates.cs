using System.Security.Claims;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Auth;

/// <summary>What decides whether a session still stands.</summary>
internal sealed record UserState(string Stamp, string Role, bool IsDisabled);

/// <summary>
/// The state of each user who is here, looked up at most every few seconds. A change through this replica holds at once,
/// through another one after <see cref="s_freshness"/>.
/// </summary>
internal sealed class UserStates(IServiceScopeFactory scopes, IMemoryCache cache)
{
    private static readonly TimeSpan s_freshness = TimeSpan.FromSeconds(5);

    /// <summary>Raised with a user's id when something of them has changed.</summary>
    public event Action<Guid>? Changed;

    /// <summary>Whether what a session or token says of its user is still so.</summary>
    public async Task<bool> IsCurrentAsync(ClaimsPrincipal caller, CancellationToken cancellationToken)
    {
        if (!Guid.TryParse(caller.FindFirstValue(Claims.Subject), out var userId))
        {
            return false;
        }
        var state = await FindAsync(userId, cancellationToken);
        return state is { IsDisabled: false }
            && state.Stamp == caller.FindFirstValue(Claims.Stamp)
            && state.Role == caller.FindFirstValue(Claims.Role);
    }

    /// <summary>Call after each change of a user.</summary>
    public void Forget(Guid userId)
    {
        cache.Remove(KeyOf(userId));
        Changed?.Invoke(userId);
    }

    private Task<UserState?> FindAsync(Guid userId, CancellationToken cancellationToken) =>
        cache.GetOrCreateAsync(KeyOf(userId), async entry =>
        {
            entry.AbsoluteExpirationRelativeToNow = s_freshness;
            await using var scope = scopes.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<GatewayDb>();
            return await db.Users.Where(user => user.Id == userId)
                .Select(user => new UserState(user.SecurityStamp ?? "", user.Role, user.DisabledAt != null))
                .SingleOrDefaultAsync(cancellationToken);
        });

    private static (string, Guid) KeyOf(Guid userId) => ("user_state", userId);
}
