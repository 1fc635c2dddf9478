using Microsoft.AspNetCore.Identity;
using Steersman.ApiGateway.Audit;

namespace Steersman.ApiGateway.Auth;

/// <summary>
/// Judges an address and a password. Neither the answer nor its time says whether there is such an account, whether it is
/// locked or disabled, or whether only the password was wrong.
/// </summary>
internal sealed class SignIn(UserManager<User> users, AuditLog audit, TimeProvider time)
{
    /// <summary>Longer than the slowest way to fail takes, so that all of them take as long.</summary>
    private static readonly TimeSpan s_failureTime = TimeSpan.FromMilliseconds(400);

    // Of a password that nobody has: looking at it takes the time that looking at a real one takes.
    private static readonly string s_strangersHash = new PasswordHasher<User>().HashPassword(new User(), Guid.CreateVersion7().ToString());

    public async Task<User?> TryAsync(string email, string password, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var user = await users.FindByEmailAsync(email);
        var proven = IsPassword(user, password);
        if (user is not null && proven && user.DisabledAt is null && !await users.IsLockedOutAsync(user))
        {
            await users.ResetAccessFailedCountAsync(user);
            return user;
        }
        if (user is not null && !proven)
        {
            await users.AccessFailedAsync(user);
        }
        // Not the address itself: people type passwords into the wrong field.
        await audit.WriteAsync(AuditAction.SignInFailed, subject: user?.Id.ToString(), cancellationToken: cancellationToken);
        var left = s_failureTime - time.GetElapsedTime(begun);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, time, cancellationToken);
        }
        return null;
    }

    private bool IsPassword(User? user, string password) =>
        users.PasswordHasher.VerifyHashedPassword(user ?? new User(), user?.PasswordHash ?? s_strangersHash, password)
            != PasswordVerificationResult.Failed && user is not null;
}
