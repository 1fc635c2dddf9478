using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Storage;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Auth;

internal sealed record InvitationRequest([property: EmailAddress, MaxLength(256)] string? Email = null, [property: MaxLength(20)] string Role = Roles.User);

/// <summary>The code is shown this once.</summary>
internal sealed record InvitationView(string Code, string? Email, string Role, DateTimeOffset ExpiresAt);

internal sealed record AcceptRequest(
    [property: Required, MaxLength(200)] string Code,
    [property: Required, EmailAddress, MaxLength(256)] string Email,
    [property: Required, MaxLength(256)] string Password,
    [property: MaxLength(100)] string? DisplayName = null);

/// <summary>How people come: an admin invites, they accept.</summary>
internal static class Invitations
{
    public const string Prefix = "sti";
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(7);

    public static void MapInvitations(this IEndpointRouteBuilder routes)
    {
        var invitations = routes.MapGroup("/invitations").WithTags("users");
        invitations.MapPost("", InviteAsync).RequireAuthorization(Policies.Admin);
        invitations.MapPost("/accept", AcceptAsync).AllowAnonymous().RequireRateLimiting(Limits.SignIn);
    }

    private static async Task<Results<Created<InvitationView>, ProblemHttpResult>> InviteAsync(
        InvitationRequest request, ClaimsPrincipal caller, GatewayDb db, AuditLog audit, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!Roles.IsKnown(request.Role))
        {
            return Problems.Invalid($"role: expected {Roles.User} or {Roles.Admin}.");
        }
        var code = Secret.Make(Prefix);
        var invitation = new Invitation
        {
            Id = code.Id,
            CodeHash = code.Hash,
            Role = request.Role,
            Email = request.Email,
            InvitedBy = caller.UserId(),
            ExpiresAt = time.GetUtcNow() + s_lifetime,
        };
        db.Invitations.Add(invitation);
        audit.Add(AuditAction.UserInvited, subject: request.Email, detail: AuditDetail.Of(new { request.Role }));
        await db.SaveChangesAsync(cancellationToken);
        return TypedResults.Created((string?)null, new InvitationView(code.Text, invitation.Email, invitation.Role, invitation.ExpiresAt));
    }

    private static async Task<Results<Ok<SessionView>, ProblemHttpResult>> AcceptAsync(
        AcceptRequest request, GatewayDb db, UserManager<User> users, AuditLog audit, Sessions sessions, TimeProvider time, HttpContext context)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(context.RequestAborted);
        if (await TakeAsync(request, db, time.GetUtcNow(), context.RequestAborted) is not { } invitation)
        {
            return Problems.Of(StatusCodes.Status422UnprocessableEntity, "code_not_valid", "The code is wrong, was used, has expired, or is for another address.");
        }
        var user = new User
        {
            UserName = request.Email,
            Email = request.Email,
            DisplayName = request.DisplayName,
            Role = invitation.Role,
            CreatedAt = time.GetUtcNow(),
        };
        if (await RefusalAsync(users, user, request.Password) is { } refusal)
        {
            return Problems.Invalid(refusal);
        }
        await audit.WriteAsync(AuditAction.UserCreated, actor: invitation.InvitedBy?.ToString(), subject: user.Id.ToString(), cancellationToken: context.RequestAborted);
        await transaction.CommitAsync(context.RequestAborted);
        return TypedResults.Ok(await sessions.BeginAsync(context, user));
    }

    /// <summary>Make the account; says why not, when that is so.</summary>
    private static async Task<string?> RefusalAsync(UserManager<User> users, User user, string password)
    {
        try
        {
            var made = await users.CreateAsync(user, password);
            return made.Succeeded ? null : string.Join(' ', made.Errors.Select(error => error.Description).Distinct());
        }
        catch (DbUpdateException error) when (error.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return $"Email '{user.Email}' is already taken."; // by somebody who accepted another invitation at this moment
        }
    }

    /// <summary>Who is no admin any more has left no doors open. The first start's code was made by nobody.</summary>
    private static async Task<bool> MayInviteAsync(Guid? inviter, GatewayDb db, CancellationToken cancellationToken) =>
        inviter is null
        || await db.Users.AnyAsync(user => user.Id == inviter && user.Role == Roles.Admin && user.DisabledAt == null, cancellationToken);

    /// <summary>Mark the invitation as accepted, which only one of two at the same time can; it stands when the account is made.</summary>
    private static async Task<Invitation?> TakeAsync(AcceptRequest request, GatewayDb db, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!Secret.TryParse(Prefix, request.Code, out var code))
        {
            return null;
        }
        var found = await db.Invitations.AsNoTracking().SingleOrDefaultAsync(invitation => invitation.Id == code.Id, cancellationToken);
        var fits = found is not null && code.Matches(found.CodeHash) && found.IsOpen(now)
            && (found.Email is null || string.Equals(found.Email, request.Email, StringComparison.OrdinalIgnoreCase))
            && await MayInviteAsync(found.InvitedBy, db, cancellationToken);
        if (!fits)
        {
            return null;
        }
        var taken = await db.Invitations.Where(invitation => invitation.Id == code.Id && invitation.AcceptedAt == null)
            .ExecuteUpdateAsync(update => update.SetProperty(invitation => invitation.AcceptedAt, now), cancellationToken);
        return taken == 1 ? found : null;
    }
}
