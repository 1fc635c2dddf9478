using System.Security.Claims;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Auth;

/// <summary>What decides whether a session still stands, beside the session itself.</summary>
internal sealed record UserState(string Stamp, string Role, bool IsDisabled);

/// <summary>
/// The state of each user who is here and of what they showed, looked up at most every few seconds. A change through this
/// replica holds at once, through another one after <see cref="s_freshness"/>.
/// </summary>
internal sealed class UserStates(IServiceScopeFactory scopes, IMemoryCache cache, IOptions<GatewayOptions> options, TimeProvider time)
{
    private static readonly TimeSpan s_freshness = TimeSpan.FromSeconds(2);

    private long _changes;

    /// <summary>Raised with a user's id when something of them has changed.</summary>
    public event Action<Guid>? Changed;

    /// <summary>Whether what a session or token says of its user is still so, and it was neither ended nor revoked.</summary>
    public async Task<bool> IsCurrentAsync(ClaimsPrincipal caller, CancellationToken cancellationToken)
    {
        if (!Guid.TryParse(caller.FindFirstValue(Claims.Subject), out var userId) || caller.GrantId() is not { } grantId)
        {
            return false;
        }
        var state = await CachedAsync(KeyOf(userId), db => FindUserAsync(db, userId, cancellationToken));
        return state is { IsDisabled: false }
            && state.Stamp == caller.FindFirstValue(Claims.Stamp)
            && state.Role == caller.FindFirstValue(Claims.Role)
            && await CachedAsync(KeyOf(grantId), db => StandsAsync(db, caller.Identity?.AuthenticationType, grantId, userId, cancellationToken));
    }

    /// <summary>Call after each change of a user, and after a session or a token of theirs has ended.</summary>
    public void Forget(Guid userId, Guid? grantId = null)
    {
        Interlocked.Increment(ref _changes);
        cache.Remove(KeyOf(userId));
        if (grantId is { } grant)
        {
            cache.Remove(KeyOf(grant));
        }
        Changed?.Invoke(userId);
    }

    private static Task<UserState?> FindUserAsync(GatewayDb db, Guid userId, CancellationToken cancellationToken) =>
        db.Users.Where(user => user.Id == userId)
            .Select(user => new UserState(user.SecurityStamp ?? "", user.Role, user.DisabledAt != null))
            .SingleOrDefaultAsync(cancellationToken);

    private Task<bool> StandsAsync(GatewayDb db, string? scheme, Guid grantId, Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var oldest = now - options.Value.SessionMaxLifetime;
        return scheme switch
        {
            Schemes.Cookie => db.Sessions.AnyAsync(s => s.Id == grantId && s.UserId == userId && s.StartedAt > oldest, cancellationToken),
            Schemes.Token => db.PersonalAccessTokens.AnyAsync(
                t => t.Id == grantId && t.UserId == userId && t.RevokedAt == null && t.ExpiresAt > now, cancellationToken),
            _ => Task.FromResult(false),
        };
    }

    private Task<T?> CachedAsync<T>((string, Guid) key, Func<GatewayDb, Task<T?>> read) =>
        cache.GetOrCreateAsync(key, async entry =>
        {
            var changes = Volatile.Read(ref _changes);
            await using var scope = scopes.CreateAsyncScope();
            var state = await read(scope.ServiceProvider.GetRequiredService<GatewayDb>());
            // What was read while something changed may be what was before: not to be kept.
            entry.AbsoluteExpirationRelativeToNow = changes == Volatile.Read(ref _changes) ? s_freshness : TimeSpan.FromTicks(1);
            return state;
        });

    private static (string, Guid) KeyOf(Guid id) => ("user_state", id);
}
