using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Auth;

/// <summary>
/// Proves a person by their password. A row of wrong ones locks the account for a while. Each attempt is counted before it is
/// judged and by the database, so that a thousand at the same moment are no more than those that may fail.
/// </summary>
internal sealed class PasswordProof(GatewayDb db, IPasswordHasher<User> hasher, StrangersPassword stranger, TimeProvider time)
{
    public const int MaxAttempts = 10;
    public static readonly TimeSpan LockTime = TimeSpan.FromMinutes(5);

    /// <summary>Whether this is the user's password and may be tried now. Takes as long for nobody as for somebody.</summary>
    // No cancellation: whoever hangs up at once has tried nevertheless.
    public async Task<bool> IsProvenAsync(User? user, string password)
    {
        var taken = await TakeAttemptAsync(user?.Id ?? Guid.Empty);
        var verdict = hasher.VerifyHashedPassword(user ?? new User(), user?.PasswordHash ?? stranger.Hash, password);
        if (user is null || !taken || verdict == PasswordVerificationResult.Failed)
        {
            return false;
        }
        await db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(update => update
            .SetProperty(u => u.AccessFailedCount, 0)
            .SetProperty(u => u.LockoutEnd, (DateTimeOffset?)null));
        return true;
    }

    /// <summary>Count an attempt; the last one locks, unless it turns out to be right. False while the account is locked.</summary>
    private async Task<bool> TakeAttemptAsync(Guid userId)
    {
        var now = time.GetUtcNow();
        DateTimeOffset? lockedUntil = now + LockTime;
        var taken = await db.Users.Where(user => user.Id == userId && (user.LockoutEnd == null || user.LockoutEnd <= now))
            .ExecuteUpdateAsync(update => update
                .SetProperty(user => user.LockoutEnd, user => user.AccessFailedCount + 1 >= MaxAttempts ? lockedUntil : null)
                .SetProperty(user => user.AccessFailedCount, user => user.AccessFailedCount + 1 >= MaxAttempts ? 0 : user.AccessFailedCount + 1));
        return taken == 1;
    }
}

/// <summary>A password that nobody has: looking at its hash takes the time that looking at a real one takes.</summary>
internal sealed class StrangersPassword(IOptions<PasswordHasherOptions> options)
{
    public string Hash { get; } = new PasswordHasher<User>(options).HashPassword(new User(), Guid.CreateVersion7().ToString());
}
