using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Auth;

/// <summary>Lets the first admin in: from configuration, or by a code that is printed once.</summary>
internal sealed partial class FirstUser(
    GatewayDb db, UserManager<User> users, AuditLog audit, IOptions<GatewayOptions> options, TimeProvider time, ILogger<FirstUser> logger)
{
    private static readonly TimeSpan s_codeLifetime = TimeSpan.FromDays(1);

    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Replicas that start together must not make two.
        await db.Database.ExecuteSqlAsync($"LOCK TABLE invitations IN EXCLUSIVE MODE", cancellationToken);
        // An earlier start's code is in an old log: it must not outlive this start, whoever the first user is now.
        await db.Invitations.Where(invitation => invitation.InvitedBy == null && invitation.AcceptedAt == null).ExecuteDeleteAsync(cancellationToken);
        if (await db.Users.AnyAsync(cancellationToken))
        {
            await transaction.CommitAsync(cancellationToken);
            return;
        }
        if (options.Value.FirstUser is { } first)
        {
            await CreateAsync(first);
        }
        else
        {
            await InviteAsync(cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
    }

    private async Task CreateAsync(FirstUserOptions first)
    {
        var user = new User { UserName = first.Email, Email = first.Email, Role = Roles.Admin, CreatedAt = time.GetUtcNow() };
        var made = await users.CreateAsync(user, first.Password);
        if (!made.Succeeded)
        {
            var why = string.Join(' ', made.Errors.Select(error => error.Description));
            throw new OptionsValidationException("Gateway:FirstUser", typeof(FirstUserOptions), [why]);
        }
        audit.Add(AuditAction.UserCreated, actor: "configuration", subject: user.Id.ToString());
        await db.SaveChangesAsync();
        Log.FirstUserCreated(logger, first.Email);
    }

    private async Task InviteAsync(CancellationToken cancellationToken)
    {
        var code = Secret.Make(Invitations.Prefix);
        db.Invitations.Add(new Invitation
        {
            Id = code.Id,
            CodeHash = code.Hash,
            Role = Roles.Admin,
            ExpiresAt = time.GetUtcNow() + s_codeLifetime,
        });
        await db.SaveChangesAsync(cancellationToken);
        Log.FirstUserCode(logger, code.Text);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "The first user, {Email}, was made from the configuration.")]
        public static partial void FirstUserCreated(ILogger logger, string email);

        [LoggerMessage(LogLevel.Warning, "There is no user yet. The first one, an admin, signs up with this code within a day: {Code}")]
        public static partial void FirstUserCode(ILogger logger, string code);
    }
}
