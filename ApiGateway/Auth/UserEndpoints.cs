using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Storage;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Auth;

internal sealed record UserView(
    Guid UserId, string Name, string? Email, string Role, bool Disabled, bool LockedOut, DateTimeOffset CreatedAt);

internal sealed record UserChange(bool? Disabled = null, [property: MaxLength(20)] string? Role = null);

/// <summary>What admins do with users.</summary>
internal static class UserEndpoints
{
    public static void MapUsers(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/users").WithTags("users").RequireAuthorization(Policies.Admin);
        group.MapGet("", ListAsync);
        group.MapPatch("/{userId:guid}", ChangeAsync);
    }

    private static async Task<Ok<Page<UserView>>> ListAsync(GatewayDb db, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var users = await db.Users.AsNoTracking().OrderBy(user => user.Id).ToListAsync(cancellationToken);
        return TypedResults.Ok(new Page<UserView>([.. users.Select(user => View(user, now))]));
    }

    private static async Task<Results<Ok<UserView>, ProblemHttpResult>> ChangeAsync(
        Guid userId, UserChange change, GatewayDb db, UserManager<User> users, UserStates states, AuditLog audit, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (change.Role is { } role && !Roles.IsKnown(role))
        {
            return Problems.Invalid($"role: expected {Roles.User} or {Roles.Admin}.");
        }
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Two admins who demote each other at the same time would leave none.
        await db.Database.ExecuteSqlAsync($"LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE", cancellationToken);
        if (await users.FindByIdAsync(userId.ToString()) is not { } user)
        {
            return Problems.NotFound("user");
        }
        user.DisabledAt = change.Disabled is { } disabled ? (disabled ? user.DisabledAt ?? time.GetUtcNow() : null) : user.DisabledAt;
        user.Role = change.Role ?? user.Role;
        if (!IsWorkingAdmin(user) && !await db.Users.AnyAsync(u => u.Id != userId && u.Role == Roles.Admin && u.DisabledAt == null, cancellationToken))
        {
            return Problems.Of(StatusCodes.Status409Conflict, "last_admin", "Somebody must remain an admin: make another one first.");
        }
        audit.Add(AuditAction.UserChanged, subject: userId.ToString(), detail: AuditDetail.Of(new { change.Disabled, change.Role }));
        var changed = await users.UpdateSecurityStampAsync(user);
        if (!changed.Succeeded)
        {
            return Problems.Invalid(string.Join(' ', changed.Errors.Select(error => error.Description)));
        }
        await transaction.CommitAsync(cancellationToken);
        states.Forget(userId);
        return TypedResults.Ok(View(user, time.GetUtcNow()));
    }

    private static bool IsWorkingAdmin(User user) => user is { Role: Roles.Admin, DisabledAt: null };

    private static UserView View(User user, DateTimeOffset now) => new(
        user.Id, user.DisplayName ?? user.Email ?? "", user.Email, user.Role, user.DisabledAt is not null, user.LockoutEnd > now, user.CreatedAt);
}
