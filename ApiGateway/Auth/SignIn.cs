using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Auth;

/// <summary>
/// Judges an address and a password. Neither the answer nor its time says whether there is such an account, whether it is
/// locked or disabled, or whether only the password was wrong.
/// </summary>
internal sealed class SignIn(GatewayDb db, ILookupNormalizer normalizer, PasswordProof proof, AuditLog audit, TimeProvider time)
{
    /// <summary>Longer than the slowest way to fail takes, so that all of them take as long.</summary>
    private static readonly TimeSpan s_failureTime = TimeSpan.FromMilliseconds(400);

    public async Task<User?> TryAsync(string email, string password, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var normalized = normalizer.NormalizeEmail(email);
        var user = await db.Users.AsNoTracking().SingleOrDefaultAsync(u => u.NormalizedEmail == normalized, cancellationToken);
        if (await proof.IsProvenAsync(user, password) && user is { DisabledAt: null })
        {
            return user;
        }
        // Not the address itself: people type passwords into the wrong field. And not cancelled: hanging up hides nothing.
        await audit.WriteAsync(AuditAction.SignInFailed, subject: user?.Id.ToString(), cancellationToken: CancellationToken.None);
        var left = s_failureTime - time.GetElapsedTime(begun);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, time, cancellationToken);
        }
        return null;
    }
}
