using System.Text.Json;
using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Storage;

/// <summary>People, their tokens, agents' keys, signing keys, and the audit log. Nothing of a task is here.</summary>
internal sealed class GatewayDb(DbContextOptions<GatewayDb> options)
    : IdentityUserContext<User, Guid>(options), IDataProtectionKeyContext
{
    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();

    public DbSet<Session> Sessions => Set<Session>();

    public DbSet<PersonalAccessToken> PersonalAccessTokens => Set<PersonalAccessToken>();

    public DbSet<Invitation> Invitations => Set<Invitation>();

    public DbSet<AgentCredential> AgentCredentials => Set<AgentCredential>();

    public DbSet<FleetMember> Fleet => Set<FleetMember>();

    public DbSet<SigningKey> SigningKeys => Set<SigningKey>();

    public DbSet<AuditEntry> AuditEntries => Set<AuditEntry>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        MapPeople(builder);
        MapSecrets(builder);
        builder.Entity<AuditEntry>(entry =>
        {
            entry.ToTable("audit_log");
            entry.Property(e => e.Detail).HasColumnType("jsonb");
            entry.HasIndex(e => e.At);
        });
        builder.Entity<FleetMember>().ToTable("fleet").HasKey(member => new { member.WorkerId, member.Gateway });
        UseSnakeCase(builder);
    }

    private static void MapPeople(ModelBuilder builder)
    {
        builder.Entity<User>(user =>
        {
            user.ToTable("users");
            user.Property(u => u.Role).HasMaxLength(20);
            user.Property(u => u.DisplayName).HasMaxLength(100);
        });
        builder.Entity<Session>(session =>
        {
            session.ToTable("sessions");
            session.HasOne<User>().WithMany().HasForeignKey(s => s.UserId);
        });
        builder.Entity<IdentityUserClaim<Guid>>().ToTable("user_claims");
        builder.Entity<IdentityUserLogin<Guid>>().ToTable("user_logins");
        builder.Entity<IdentityUserToken<Guid>>().ToTable("user_tokens");
    }

    private static void MapSecrets(ModelBuilder builder)
    {
        builder.Entity<DataProtectionKey>().ToTable("data_protection_keys");
        builder.Entity<PersonalAccessToken>(token =>
        {
            token.ToTable("personal_access_tokens");
            token.Property(t => t.Name).HasMaxLength(100);
            token.HasOne<User>().WithMany().HasForeignKey(t => t.UserId);
        });
        builder.Entity<Invitation>(invitation =>
        {
            invitation.ToTable("invitations");
            invitation.Property(i => i.Role).HasMaxLength(20);
            invitation.Property(i => i.Email).HasMaxLength(256);
        });
        builder.Entity<AgentCredential>(credential =>
        {
            credential.ToTable("agent_credentials");
            credential.Property(c => c.Name).HasMaxLength(100);
        });
        builder.Entity<SigningKey>().ToTable("signing_keys").HasKey(k => k.KeyId);
    }

    /// <summary>Names in SQL are those of the wire.</summary>
    private static void UseSnakeCase(ModelBuilder builder)
    {
        foreach (var entity in builder.Model.GetEntityTypes())
        {
            foreach (var property in entity.GetProperties())
            {
                property.SetColumnName(JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
            }
        }
    }
}
