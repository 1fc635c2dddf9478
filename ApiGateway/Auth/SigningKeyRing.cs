using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Auth;

/// <summary>
/// The keys that sign tokens, shared by all replicas through the database. A new one is published for a while before it
/// signs, so that each replica knows it by then; an old one is published until its last token has expired.
/// </summary>
internal sealed class SigningKeyRing(
    IServiceScopeFactory scopes, IDataProtectionProvider protection, IOptions<GatewayOptions> options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_freshness = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_headStart = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan s_afterlife = TimeSpan.FromHours(1);
    private readonly IDataProtector _protector = protection.CreateProtector("signing-keys");
    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private volatile Ring? _ring;

    /// <summary>The keys that are published, as far as they have been read.</summary>
    public IReadOnlyList<ECDsaSecurityKey> Published => _ring?.Keys ?? [];

    public async ValueTask<ECDsaSecurityKey> CurrentAsync(CancellationToken cancellationToken)
    {
        if (_ring is not { } ring || ring.ReadAt + s_freshness < time.GetUtcNow())
        {
            ring = await RefreshAsync(cancellationToken);
        }
        return ring.Current;
    }

    public async Task<Ring> RefreshAsync(CancellationToken cancellationToken)
    {
        await _refreshing.WaitAsync(cancellationToken);
        try
        {
            return _ring = await ReadAsync(cancellationToken);
        }
        finally
        {
            _refreshing.Release();
        }
    }

    private async Task<Ring> ReadAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<GatewayDb>();
        var now = time.GetUtcNow();
        var rows = await ValidAsync(db, now, cancellationToken);
        if (rows.Count == 0 || rows[^1].CreatedAt + options.Value.SigningKeyLifetime < now)
        {
            rows = await RotateAsync(db, now, cancellationToken);
        }
        var current = rows.FindLast(row => row.CreatedAt + s_headStart <= now) ?? rows[0];
        var keys = rows.ConvertAll(Open);
        return new Ring(keys, keys[rows.IndexOf(current)], now);
    }

    private async Task<List<SigningKey>> RotateAsync(GatewayDb db, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"LOCK TABLE signing_keys IN EXCLUSIVE MODE", cancellationToken);
        var rows = await ValidAsync(db, now, cancellationToken);
        if (rows.Count == 0 || rows[^1].CreatedAt + options.Value.SigningKeyLifetime < now)
        {
            var made = Make(now);
            db.SigningKeys.Add(made);
            await db.SaveChangesAsync(cancellationToken);
            rows.Add(made);
        }
        await transaction.CommitAsync(cancellationToken);
        return rows;
    }

    private Task<List<SigningKey>> ValidAsync(GatewayDb db, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var oldest = now - options.Value.SigningKeyLifetime - s_headStart - s_afterlife;
        return db.SigningKeys.AsNoTracking().Where(key => key.CreatedAt > oldest).OrderBy(key => key.CreatedAt).ToListAsync(cancellationToken);
    }

    private SigningKey Make(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new SigningKey
        {
            KeyId = Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(12)),
            ProtectedKey = _protector.Protect(key.ExportPkcs8PrivateKey()),
            CreatedAt = now,
        };
    }

    private ECDsaSecurityKey Open(SigningKey row)
    {
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(_protector.Unprotect(row.ProtectedKey), out _);
        return new ECDsaSecurityKey(key) { KeyId = row.KeyId };
    }

    public void Dispose() => _refreshing.Dispose();

    internal sealed record Ring(IReadOnlyList<ECDsaSecurityKey> Keys, ECDsaSecurityKey Current, DateTimeOffset ReadAt);
}
