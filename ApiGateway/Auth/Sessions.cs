using System.Security.Cryptography;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Auth;

/// <summary>Begins and ends browsers' sessions.</summary>
internal sealed class Sessions(GatewayDb db, UserStates states, IAntiforgery antiforgery, IOptions<GatewayOptions> options, TimeProvider time)
{
    private const int StampBytes = 20;

    /// <summary>Give the browser its cookie, and the token of the person that it is from now on.</summary>
    public async Task<SessionView> BeginAsync(HttpContext context, User user)
    {
        // Who signs in anew leaves the session that they had: nobody could end it any more.
        await EndShownAsync(context);
        var session = new Session { Id = Guid.CreateVersion7(), UserId = user.Id, StartedAt = time.GetUtcNow() };
        db.Sessions.Add(session);
        await db.SaveChangesAsync(context.RequestAborted);
        var oldest = session.StartedAt - options.Value.SessionMaxLifetime;
        await db.Sessions.Where(s => s.UserId == user.Id && s.StartedAt <= oldest).ExecuteDeleteAsync(context.RequestAborted);
        var scopes = user.Role == Roles.Admin ? Scopes.All : [Scopes.Read, Scopes.Write];
        var principal = Claims.Of(user, Schemes.Cookie, session.Id, scopes);
        await context.SignInAsync(Schemes.Cookie, principal, new AuthenticationProperties { IsPersistent = true });
        context.User = principal;
        return SessionView.Of(user, antiforgery.GetAndStoreTokens(context));
    }

    /// <summary>End the session whose cookie was shown, if one was, here and in the browser.</summary>
    public async Task EndAsync(HttpContext context)
    {
        await EndShownAsync(context);
        await context.SignOutAsync(Schemes.Cookie);
    }

    /// <summary>End all sessions of a user, and write with it what waits to be saved.</summary>
    public async Task EndAllAsync(Guid userId, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // One statement: UserManager would give up, and say so in a result, when somebody tries to sign in at the same moment.
        await db.Users.Where(user => user.Id == userId).ExecuteUpdateAsync(
            update => update.SetProperty(user => user.SecurityStamp, NewStamp()).SetProperty(user => user.ConcurrencyStamp, NewStamp()), cancellationToken);
        await db.Sessions.Where(session => session.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        states.Forget(userId);
    }

    private async Task EndShownAsync(HttpContext context)
    {
        if (context.User is { Identity.AuthenticationType: Schemes.Cookie } caller && caller.GrantId() is { } sessionId)
        {
            await db.Sessions.Where(session => session.Id == sessionId).ExecuteDeleteAsync(context.RequestAborted);
            states.Forget(caller.UserId(), sessionId);
        }
    }

    private static string NewStamp() => Convert.ToHexString(RandomNumberGenerator.GetBytes(StampBytes));
}
