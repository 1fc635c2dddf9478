using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Storage;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Auth;

internal sealed record SignInRequest([property: Required, MaxLength(256)] string Email, [property: Required, MaxLength(256)] string Password);

internal sealed record PasswordRequest([property: Required, MaxLength(256)] string Current, [property: Required, MaxLength(256)] string New);

/// <summary>Who is signed in, and what a page sends with each change.</summary>
internal sealed record SessionView(PersonView? User, string CsrfToken)
{
    public static SessionView Of(User? user, AntiforgeryTokenSet tokens) =>
        new(user is null ? null : PersonView.Of(user), tokens.RequestToken ?? "");
}

internal sealed record PersonView(Guid UserId, string Name, string? Email, string Role)
{
    public static PersonView Of(User user) => new(user.Id, user.DisplayName ?? user.Email ?? "", user.Email, user.Role);
}

/// <summary>Signing in and out, and one's own account.</summary>
internal static class SessionEndpoints
{
    public static void MapSession(this IEndpointRouteBuilder routes)
    {
        var session = routes.MapGroup("/session").WithTags("session");
        session.MapGet("", ShowAsync).AllowAnonymous();
        session.MapPost("", SignInAsync).AllowAnonymous().RequireRateLimiting(Limits.SignIn);
        session.MapDelete("", SignOutAsync).AllowAnonymous();
        var me = routes.MapGroup("/me").WithTags("session").RequireAuthorization(Policies.Read);
        me.MapGet("", MeAsync);
        me.MapPost("/sign-out-everywhere", SignOutEverywhereAsync).RequireAuthorization(Policies.Write);
        me.MapPost("/password", ChangePasswordAsync).RequireAuthorization(Policies.Write).RequireRateLimiting(Limits.SignIn);
    }

    private static async Task<Ok<SessionView>> ShowAsync(HttpContext context, IAntiforgery antiforgery, UserManager<User> users)
    {
        var user = context.User.Identity?.IsAuthenticated == true ? await users.FindByIdAsync(context.User.UserId().ToString()) : null;
        return TypedResults.Ok(SessionView.Of(user, antiforgery.GetAndStoreTokens(context)));
    }

    private static async Task<Results<Ok<SessionView>, ProblemHttpResult>> SignInAsync(
        SignInRequest request, SignIn signIn, Sessions sessions, AuditLog audit, HttpContext context)
    {
        if (await signIn.TryAsync(request.Email, request.Password, context.RequestAborted) is not { } user)
        {
            return Problems.Of(StatusCodes.Status401Unauthorized, "sign_in_failed", "The address or the password is wrong, or the account cannot be used now.");
        }
        audit.Add(AuditAction.SignedIn, actor: user.Id.ToString());
        return TypedResults.Ok(await sessions.BeginAsync(context, user));
    }

    private static async Task<NoContent> SignOutAsync(HttpContext context, Sessions sessions, AuditLog audit)
    {
        if (context.User.Identity?.AuthenticationType == Schemes.Cookie)
        {
            await audit.WriteAsync(AuditAction.SignedOut, cancellationToken: context.RequestAborted);
        }
        await sessions.EndAsync(context);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<PersonView>, UnauthorizedHttpResult>> MeAsync(ClaimsPrincipal caller, UserManager<User> users) =>
        await users.FindByIdAsync(caller.UserId().ToString()) is { } user ? TypedResults.Ok(PersonView.Of(user)) : TypedResults.Unauthorized();

    private static async Task<NoContent> SignOutEverywhereAsync(
        ClaimsPrincipal caller, Sessions sessions, AuditLog audit, HttpContext context)
    {
        audit.Add(AuditAction.SignedOutEverywhere);
        await sessions.EndAllAsync(caller.UserId(), context.RequestAborted);
        await sessions.EndAsync(context);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<SessionView>, ProblemHttpResult>> ChangePasswordAsync(
        PasswordRequest request, GatewayDb db, UserManager<User> users, PasswordProof proof, Sessions sessions, UserStates states, AuditLog audit,
        HttpContext context)
    {
        if (context.User.Identity?.AuthenticationType != Schemes.Cookie)
        {
            return Problems.Of(StatusCodes.Status403Forbidden, "session_needed", "A password is changed by a person who has signed in, not by a token.");
        }
        var userId = context.User.UserId();
        var claimed = await db.Users.AsNoTracking().SingleOrDefaultAsync(user => user.Id == userId, context.RequestAborted);
        // A borrowed session is no way to guess the password more often than at the door.
        if (!await proof.IsProvenAsync(claimed, request.Current) || await users.FindByIdAsync(userId.ToString()) is not { } user)
        {
            await audit.WriteAsync(AuditAction.SignInFailed, subject: userId.ToString(), cancellationToken: CancellationToken.None);
            return Problems.Invalid("current: the password is wrong, or was tried too often.");
        }
        audit.Add(AuditAction.PasswordChanged);
        var changed = await users.ChangePasswordAsync(user, request.Current, request.New);
        if (!changed.Succeeded)
        {
            return Problems.Invalid(string.Join(' ', changed.Errors.Select(error => error.Description)));
        }
        states.Forget(user.Id);
        return TypedResults.Ok(await sessions.BeginAsync(context, user));
    }
}
