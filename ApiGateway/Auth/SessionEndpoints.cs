using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Auth;

internal sealed record SignInRequest([property: Required, MaxLength(256)] string Email, [property: Required, MaxLength(256)] string Password);

internal sealed record PasswordRequest([property: Required, MaxLength(256)] string Current, [property: Required, MaxLength(256)] string New);

/// <summary>Who is signed in, and what a page sends with each change.</summary>
internal sealed record SessionView(PersonView? User, string CsrfToken);

internal sealed record PersonView(Guid UserId, string Name, string? Email, string Role);

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
        return TypedResults.Ok(View(user, antiforgery.GetAndStoreTokens(context)));
    }

    private static async Task<Results<Ok<SessionView>, ProblemHttpResult>> SignInAsync(
        SignInRequest request, SignIn signIn, AuditLog audit, IAntiforgery antiforgery, HttpContext context)
    {
        if (await signIn.TryAsync(request.Email, request.Password, context.RequestAborted) is not { } user)
        {
            return Problems.Of(StatusCodes.Status401Unauthorized, "sign_in_failed", "The address or the password is wrong, or the account cannot be used now.");
        }
        await audit.WriteAsync(AuditAction.SignedIn, actor: user.Id.ToString(), cancellationToken: context.RequestAborted);
        return TypedResults.Ok(await BeginAsync(context, user, antiforgery));
    }

    /// <summary>Give the browser its cookie, and the token of the person that it is from now on.</summary>
    public static async Task<SessionView> BeginAsync(HttpContext context, User user, IAntiforgery antiforgery)
    {
        var scopes = user.Role == Roles.Admin ? Scopes.All : [Scopes.Read, Scopes.Write];
        var principal = Claims.Of(user, Schemes.Cookie, scopes);
        await context.SignInAsync(Schemes.Cookie, principal, new AuthenticationProperties { IsPersistent = true });
        context.User = principal;
        return View(user, antiforgery.GetAndStoreTokens(context));
    }

    private static async Task<NoContent> SignOutAsync(HttpContext context, AuditLog audit)
    {
        if (context.User.Identity?.IsAuthenticated == true)
        {
            await audit.WriteAsync(AuditAction.SignedOut, cancellationToken: context.RequestAborted);
        }
        await context.SignOutAsync(Schemes.Cookie);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<PersonView>, UnauthorizedHttpResult>> MeAsync(ClaimsPrincipal caller, UserManager<User> users) =>
        await users.FindByIdAsync(caller.UserId().ToString()) is { } user ? TypedResults.Ok(View(user)) : TypedResults.Unauthorized();

    private static async Task<NoContent> SignOutEverywhereAsync(
        ClaimsPrincipal caller, UserManager<User> users, UserStates states, AuditLog audit, HttpContext context)
    {
        if (await users.FindByIdAsync(caller.UserId().ToString()) is { } user)
        {
            audit.Add(AuditAction.SignedOutEverywhere);
            await users.UpdateSecurityStampAsync(user);
            states.Forget(user.Id);
        }
        await context.SignOutAsync(Schemes.Cookie);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<SessionView>, ProblemHttpResult>> ChangePasswordAsync(
        PasswordRequest request, UserManager<User> users, UserStates states, AuditLog audit, IAntiforgery antiforgery, HttpContext context)
    {
        if (context.User.Identity?.AuthenticationType != Schemes.Cookie
            || await users.FindByIdAsync(context.User.UserId().ToString()) is not { } user)
        {
            return Problems.Of(StatusCodes.Status403Forbidden, "session_needed", "A password is changed by a person who has signed in, not by a token.");
        }
        audit.Add(AuditAction.PasswordChanged);
        var changed = await users.ChangePasswordAsync(user, request.Current, request.New);
        if (!changed.Succeeded)
        {
            return Problems.Invalid(string.Join(' ', changed.Errors.Select(error => error.Description)));
        }
        states.Forget(user.Id);
        return TypedResults.Ok(await BeginAsync(context, user, antiforgery));
    }

    private static SessionView View(User? user, AntiforgeryTokenSet tokens) => new(user is null ? null : View(user), tokens.RequestToken ?? "");

    private static PersonView View(User user) => new(user.Id, user.DisplayName ?? user.Email ?? "", user.Email, user.Role);
}
