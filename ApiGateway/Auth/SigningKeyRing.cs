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
    private static readonly TimeSpan s_clockSkew = TimeSpan.FromMinutes(5);
    private readonly IDataProtector _protector = protection.CreateProtector("signing-keys");
    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private volatile Ring? _ring;

    /// <summary>The keys that are published, as far as they have been read.</summary>
    public IReadOnlyList<ECDsaSecurityKey> Published => _ring?.Keys ?? [];

    /// <summary>The key that signs now. Reads the ring again when it is old, so that <see cref="Published"/> is fresh afterwards.</summary>
    public async ValueTask<ECDsaSecurityKey> CurrentAsync(CancellationToken cancellationToken)
    {
        var ring = Fresh() ?? await RefreshAsync(cancellationToken);
        return ring.Current;
    }

    public void Dispose() => _refreshing.Dispose();

    private async Task<Ring> RefreshAsync(CancellationToken cancellationToken)
    {
        await _refreshing.WaitAsync(cancellationToken);
        try
        {
            // Whoever waited for somebody else's reading needs none of their own.
            return Fresh() ?? (_ring = await ReadAsync(cancellationToken));
        }
        finally
        {
            _refreshing.Release();
        }
    }

    private Ring? Fresh() => _ring is { } ring && time.GetUtcNow() < ring.ReadAt + s_freshness ? ring : null;

    private async Task<Ring> ReadAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<GatewayDb>();
        var now = time.GetUtcNow();
        var rows = await RowsAsync(db, cancellationToken);
        if (IsRotationDue(rows, now))
        {
            rows = await RotateAsync(db, now, cancellationToken);
        }
        var published = rows.Where((_, place) => IsPublished(rows, place, now)).ToList();
        var current = published.FindLast(row => row.CreatedAt + s_headStart <= now) ?? published[0];
        var keys = published.ConvertAll(Open);
        return new Ring(keys, keys[published.IndexOf(current)], now);
    }

    private async Task<List<SigningKey>> RotateAsync(GatewayDb db, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Two replicas that find it due at once make one key.
        await db.Database.ExecuteSqlAsync($"LOCK TABLE signing_keys IN EXCLUSIVE MODE", cancellationToken);
        var rows = await RowsAsync(db, cancellationToken);
        if (IsRotationDue(rows, now))
        {
            var expired = rows.Where((_, place) => !IsPublished(rows, place, now)).Select(row => row.KeyId).ToArray();
            await db.SigningKeys.Where(key => expired.Contains(key.KeyId)).ExecuteDeleteAsync(cancellationToken);
            var made = Make(now);
            db.SigningKeys.Add(made);
            await db.SaveChangesAsync(cancellationToken);
            rows = [.. rows.Where(row => !expired.Contains(row.KeyId)), made];
        }
        await transaction.CommitAsync(cancellationToken);
        return rows;
    }

    private static Task<List<SigningKey>> RowsAsync(GatewayDb db, CancellationToken cancellationToken) =>
        db.SigningKeys.AsNoTracking().OrderBy(key => key.CreatedAt).ThenBy(key => key.KeyId).ToListAsync(cancellationToken);

    private bool IsRotationDue(List<SigningKey> rows, DateTimeOffset now) =>
        rows.Count == 0 || rows[^1].CreatedAt + options.Value.SigningKeyLifetime <= now;

    /// <summary>Until its successor has signed for as long as a token lives. Counted from the successor: rotation waits for use.</summary>
    private bool IsPublished(List<SigningKey> rows, int place, DateTimeOffset now)
    {
        var settings = options.Value;
        var longest = settings.AgentTokenLifetime > settings.HubTokenLifetime ? settings.AgentTokenLifetime : settings.HubTokenLifetime;
        return place == rows.Count - 1 || now < rows[place + 1].CreatedAt + s_headStart + s_freshness + longest + s_clockSkew;
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

    /// <summary>One object per key for as long as it is published: libraries keep what they derive from it.</summary>
    private ECDsaSecurityKey Open(SigningKey row)
    {
        if (Published.FirstOrDefault(known => known.KeyId == row.KeyId) is { } known)
        {
            return known;
        }
        var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(_protector.Unprotect(row.ProtectedKey), out _);
        return new ECDsaSecurityKey(key) { KeyId = row.KeyId };
    }

    private sealed record Ring(IReadOnlyList<ECDsaSecurityKey> Keys, ECDsaSecurityKey Current, DateTimeOffset ReadAt);
}
