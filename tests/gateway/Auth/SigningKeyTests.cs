using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

/// <summary>Keys that sign tokens: two replicas that know nothing of each other but the database, and a clock that we set.</summary>
public sealed class SigningKeyTests(SharedGateway shared) : IClassFixture<SharedGateway>, IDisposable
{
    private readonly TestGateway _gateway = shared.Gateway;
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly List<SigningKeyRing> _rings = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_public_keys_are_published_and_nothing_of_the_private_ones()
    {
        using var http = new HttpClient { BaseAddress = _gateway.Url };

        var answer = await http.GetAsync("/.well-known/jwks.json", Cancellation);

        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.True(answer.Headers.CacheControl is { Public: true, MaxAge.TotalSeconds: > 0 and <= 300 });
        var keys = (await answer.JsonAsync()).GetProperty("keys").EnumerateArray().ToList();
        Assert.NotEmpty(keys);
        Assert.All(keys, key =>
        {
            Assert.Equal(["alg", "crv", "kid", "kty", "use", "x", "y"], key.EnumerateObject().Select(part => part.Name).Order());
            Assert.Equal(("EC", "P-256", "ES256", "sig"), (Text(key, "kty"), Text(key, "crv"), Text(key, "alg"), Text(key, "use")));
            Assert.All(new[] { "x", "y" }, part => Assert.Equal(32, Base64UrlEncoder.DecodeBytes(Text(key, part)).Length));
        });
    }

    [Fact]
    public async Task A_token_is_verified_with_what_is_published()
    {
        using var http = new HttpClient { BaseAddress = _gateway.Url };
        var user = new Watcher(Guid.CreateVersion7(), ["user"]);
        var text = await _gateway.Services.GetRequiredService<TokenMint>().ForAgentAsync(user, Cancellation);

        var published = new JsonWebKeySet(await http.GetStringAsync("/.well-known/jwks.json", Cancellation));
        var verdict = await new JsonWebTokenHandler().ValidateTokenAsync(text, new TokenValidationParameters
        {
            ValidIssuer = "steersman-gateway",
            ValidAudience = "steersman-agent",
            ValidTypes = ["at+jwt"],
            ValidAlgorithms = ["ES256"],
            IssuerSigningKeys = published.GetSigningKeys(),
        });

        Assert.True(verdict.IsValid, verdict.Exception?.Message);
        var token = (JsonWebToken)verdict.SecurityToken;
        Assert.Equal((user.UserId.ToString(), "user", TimeSpan.FromMinutes(5)), (token.Subject, Assert.Single(token.GetPayloadValue<string[]>("roles")), token.ValidTo - token.ValidFrom));
    }

    [Fact]
    public async Task Every_replica_knows_a_key_before_it_signs_and_until_its_last_token_has_expired()
    {
        var (one, other) = (await NewReplicaAsync(), await NewReplicaAsync());
        var old = await one.CurrentAsync(Cancellation);
        Assert.Equal(old.KeyId, (await other.CurrentAsync(Cancellation)).KeyId);

        _time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(old.KeyId, (await one.CurrentAsync(Cancellation)).KeyId);
        var next = Assert.Single(one.Published, key => key.KeyId != old.KeyId).KeyId;

        var steps = await WalkAsync(one, other, step: TimeSpan.FromSeconds(30), steps: 80);

        // At no moment did one sign with what the other would not have found published.
        Assert.All(steps, step => Assert.Contains(step.Signs, step.OtherKnows));
        Assert.Equal([old.KeyId, next], steps.Select(step => step.Signs).Distinct());
        var lastSigned = steps.Last(step => step.Signs == old.KeyId).At;
        Assert.All(steps.Where(step => step.At <= lastSigned + TimeSpan.FromMinutes(10)), step => Assert.Contains(old.KeyId, step.OtherKnows));
        Assert.DoesNotContain(old.KeyId, steps[^1].OtherKnows);
    }

    [Fact]
    public async Task After_a_long_silence_no_token_is_signed_with_a_key_that_is_about_to_go()
    {
        var (one, other) = (await NewReplicaAsync(), await NewReplicaAsync());
        await one.CurrentAsync(Cancellation);
        _time.Advance(TimeSpan.FromDays(30) + TimeSpan.FromMinutes(62));

        var steps = await WalkAsync(one, other, step: TimeSpan.FromSeconds(30), steps: 20);

        Assert.All(steps, step => Assert.Contains(step.Signs, step.OtherKnows));
        Assert.All(steps.Zip(steps.Skip(1)), pair => Assert.Contains(pair.First.Signs, pair.Second.OtherKnows));
    }

    [Fact]
    public async Task Replicas_that_rotate_at_the_same_moment_make_one_key()
    {
        var replicas = new List<SigningKeyRing>();
        for (var replica = 0; replica < 4; replica++)
        {
            replicas.Add(await NewReplicaAsync());
        }
        _time.Advance(TimeSpan.FromDays(31));

        await Task.WhenAll(replicas.Select(replica => replica.CurrentAsync(Cancellation).AsTask()));

        Assert.All(replicas, replica => Assert.Equal(replicas[0].Published.Select(key => key.KeyId), replica.Published.Select(key => key.KeyId)));
        Assert.Equal(2, replicas[0].Published.Count);
    }

    [Fact]
    public async Task A_replica_that_mints_nothing_learns_of_a_new_key_when_somebody_shows_it()
    {
        const string path = "/hubs/agent/negotiate?negotiateVersion=1";
        var busy = await NewReplicaAsync();
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var idle = await TestGateway.StartAsync(
            shared.Postgres, SharedGateway.Settings, _gateway.Database, services => services.AddSingleton<TimeProvider>(clock));
        _time.Advance(TimeSpan.FromDays(31));
        var old = await busy.CurrentAsync(Cancellation);
        _time.Advance(TimeSpan.FromMinutes(4));
        Assert.NotEqual(old.KeyId, (await busy.CurrentAsync(Cancellation)).KeyId);
        var token = await new TokenMint(busy, _gateway.Services.GetRequiredService<IOptions<GatewayOptions>>(), TimeProvider.System)
            .ForHubAsync("agent:played", Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, await idle.AskAsync(token, path, HttpMethod.Post).StatusAsync());
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.OK, await idle.AskAsync(token, path, HttpMethod.Post).StatusAsync());
    }

    [Fact]
    public async Task A_private_key_is_not_kept_as_it_is()
    {
        var stored = (byte[]?)await _gateway.SqlAsync("SELECT protected_key FROM signing_keys LIMIT 1") ?? [];

        using var key = ECDsa.Create();
        Assert.ThrowsAny<CryptographicException>(() => key.ImportPkcs8PrivateKey(stored, out _));
    }

    public void Dispose() => _rings.ForEach(ring => ring.Dispose());

    private async Task<SigningKeyRing> NewReplicaAsync()
    {
        if (_rings.Count == 0)
        {
            // Each test begins anew, at its own now.
            await _gateway.SqlAsync("DELETE FROM signing_keys");
        }
        var services = _gateway.Services;
        _rings.Add(new SigningKeyRing(
            services.GetRequiredService<IServiceScopeFactory>(), services.GetRequiredService<IDataProtectionProvider>(),
            services.GetRequiredService<IOptions<GatewayOptions>>(), _time));
        await _rings[^1].CurrentAsync(Cancellation);
        return _rings[^1];
    }

    /// <summary>Let time pass and note who signs with what; the other replica is asked first, so that it knows as little as it may.</summary>
    private async Task<List<Moment>> WalkAsync(SigningKeyRing one, SigningKeyRing other, TimeSpan step, int steps)
    {
        var moments = new List<Moment>();
        for (var number = 0; number < steps; number++)
        {
            _time.Advance(step);
            await other.CurrentAsync(Cancellation);
            var signs = await one.CurrentAsync(Cancellation);
            moments.Add(new Moment(_time.GetUtcNow(), signs.KeyId, [.. other.Published.Select(key => key.KeyId)]));
        }
        return moments;
    }

    private static string? Text(JsonElement key, string name) => key.GetProperty(name).GetString();

    private sealed record Moment(DateTimeOffset At, string Signs, IReadOnlyList<string> OtherKnows);
}
