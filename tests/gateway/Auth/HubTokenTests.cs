using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

/// <summary>Tokens that somebody made themselves, and true ones in the wrong place.</summary>
public sealed class HubTokenTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    private const string HubPath = "/hubs/agent/negotiate?negotiateVersion=1";
    private readonly TestGateway _gateway = shared.Gateway;

    private SigningKeyRing Ring => _gateway.Services.GetRequiredService<SigningKeyRing>();

    private TokenMint Mint => _gateway.Services.GetRequiredService<TokenMint>();

    public static TheoryData<string> Forgeries => [.. Forgery.All.Keys];

    [Fact]
    public async Task An_agents_token_opens_the_agents_hub_and_nothing_else()
    {
        var token = await Mint.ForHubAsync("agent:played", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, await _gateway.AskAsync(token, HubPath, HttpMethod.Post).StatusAsync());
        foreach (var route in Route.Of(_gateway).Where(route => !route.IsAnonymous && !route.Path.StartsWith(HubToken.Path, StringComparison.Ordinal)))
        {
            Assert.Equal((route.ToString(), HttpStatusCode.Unauthorized), (route.ToString(), await _gateway.AskAsync(token, route.Path, new HttpMethod(route.Method)).StatusAsync()));
        }
        // Nobody, rather than a person whose id cannot be read.
        var session = await _gateway.AskAsync(token, "/api/session").JsonAsync();
        Assert.Equal(System.Text.Json.JsonValueKind.Null, session.GetProperty("user").ValueKind);
    }

    [Fact]
    public async Task What_people_show_does_not_open_the_agents_hub()
    {
        using var browser = await _gateway.SignInNewAsync(Roles.Admin);
        var token = await browser.NewTokenAsync("read", "write", "admin");
        var forAgents = await Mint.ForAgentAsync(new Watcher(Guid.CreateVersion7(), [Roles.Admin, HubToken.Role]), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, await _gateway.AskAsync(token.Text, HubPath, HttpMethod.Post).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await _gateway.AskAsync(forAgents, HubPath, HttpMethod.Post).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await browser.PostAsync(HubPath).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await _gateway.AskAsync(forAgents, "/hubs/chat/negotiate?negotiateVersion=1", HttpMethod.Post).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await _gateway.AskAsync(forAgents).StatusAsync());
    }

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task A_forged_token_opens_nothing(string name)
    {
        var token = Forgery.All[name](new Forgery(await Ring.CurrentAsync(TestContext.Current.CancellationToken)));

        Assert.Equal(HttpStatusCode.Unauthorized, await _gateway.AskAsync(token, HubPath, HttpMethod.Post).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await _gateway.AskAsync(token).StatusAsync());
        using var socket = new ClientWebSocket();
        var address = new UriBuilder(_gateway.Url) { Scheme = "ws", Path = HubToken.Path, Query = "access_token=" + Uri.EscapeDataString(token) }.Uri;
        var error = await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(address, TestContext.Current.CancellationToken));
        Assert.Contains("401", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_forger_makes_a_valid_token_when_nothing_is_wrong_with_it()
    {
        var token = new Forgery(await Ring.CurrentAsync(TestContext.Current.CancellationToken)).Sign();

        Assert.Equal(HttpStatusCode.OK, await _gateway.AskAsync(token, HubPath, HttpMethod.Post).StatusAsync());
    }

    [Fact]
    public async Task A_token_of_another_role_is_no_agents()
    {
        var forgery = new Forgery(await Ring.CurrentAsync(TestContext.Current.CancellationToken));
        var token = forgery.Sign(token => token.Claims = new Dictionary<string, object> { ["sub"] = "agent:played", ["roles"] = new[] { Roles.Admin } });

        Assert.Equal(HttpStatusCode.Forbidden, await _gateway.AskAsync(token, HubPath, HttpMethod.Post).StatusAsync());
    }

    [Fact]
    public async Task A_token_that_is_too_long_to_read_is_refused_by_the_server()
    {
        var current = await Ring.CurrentAsync(TestContext.Current.CancellationToken);
        var token = new Forgery(current).Sign(header: new() { ["kid"] = new string('k', 100_000) });

        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, await _gateway.AskAsync(token, HubPath, HttpMethod.Post).StatusAsync());
    }

    /// <summary>Makes tokens with the gateway's own key, one thing wrong with each.</summary>
    private sealed class Forgery(ECDsaSecurityKey key)
    {
        private static readonly ECDsaSecurityKey s_foreign = new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

        public static Dictionary<string, Func<Forgery, string>> All { get; } = new()
        {
            ["no algorithm"] = f => f.Unsigned("none"),
            ["no algorithm, oddly written"] = f => f.Unsigned("nOnE"),
            ["no signature"] = f => f.Unsigned("ES256"),
            ["a foreign signature"] = f => f.Sign().Split('.') is [var header, var payload, _] ? $"{header}.{payload}.{Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(64))}" : "",
            ["a signature of zeros"] = f => f.Sign().Split('.') is [var header, var payload, _] ? $"{header}.{payload}.{Base64UrlEncoder.Encode(new byte[64])}" : "",
            ["HS256 with the public point"] = f => f.Symmetric([.. f.Point.X ?? [], .. f.Point.Y ?? []]),
            ["HS256 with the public key as PEM"] = f => f.Symmetric(Encoding.UTF8.GetBytes(f.Key.ECDsa.ExportSubjectPublicKeyInfoPem())),
            ["HS256 with the public key as DER"] = f => f.Symmetric(f.Key.ECDsa.ExportSubjectPublicKeyInfo()),
            ["a foreign key under our kid"] = f => f.Sign(with: new ECDsaSecurityKey(s_foreign.ECDsa) { KeyId = f.Key.KeyId }),
            ["a foreign key"] = f => f.Sign(with: new ECDsaSecurityKey(s_foreign.ECDsa) { KeyId = "mine" }),
            ["a foreign key that it brings along"] = f => f.Sign(with: s_foreign, header: new() { ["jwk"] = Public(s_foreign) }),
            ["a foreign key by address"] = f => f.Sign(with: s_foreign, header: new() { ["jku"] = "http://127.0.0.1:9/jwks.json", ["x5u"] = "http://127.0.0.1:9/x" }),
            ["no kid"] = f => f.Sign(with: new ECDsaSecurityKey(f.Key.ECDsa)),
            ["a kid that is a path"] = f => f.Sign(with: new ECDsaSecurityKey(f.Key.ECDsa) { KeyId = "../../../../../dev/null" }),
            ["a kid that is an address"] = f => f.Sign(with: new ECDsaSecurityKey(f.Key.ECDsa) { KeyId = "http://127.0.0.1:9/jwks.json" }),
            ["a kid that is SQL"] = f => f.Sign(with: new ECDsaSecurityKey(f.Key.ECDsa) { KeyId = "' OR 1=1 --" }),
            ["a long kid"] = f => f.Sign(with: new ECDsaSecurityKey(f.Key.ECDsa) { KeyId = new string('k', 5_000) }),
            ["another audience"] = f => f.Sign(token => token.Audience = TokenMint.AgentAudience),
            ["no audience"] = f => f.Sign(token => token.Audience = null),
            ["another issuer"] = f => f.Sign(token => token.Issuer = "https://evil.example"),
            ["no issuer"] = f => f.Sign(token => token.Issuer = null),
            ["another type"] = f => f.Sign(token => token.TokenType = "JWT"),
            ["an expiry that has passed"] = f => f.Sign(token => (token.NotBefore, token.Expires) = (Now.AddMinutes(-20), Now.AddSeconds(-10))),
            ["a beginning that is to come"] = f => f.Sign(token => (token.NotBefore, token.Expires) = (Now.AddMinutes(1), Now.AddMinutes(2))),
            ["no expiry"] = f => f.Sign(token => token.Expires = null),
            ["an agent that is not there"] = f => f.Sign(token => token.Claims = Claims("agent:nobody", HubToken.Role)),
            ["a key that is not there"] = f => f.Sign(token => token.Claims = Claims($"agent-key:{Guid.CreateVersion7()}", HubToken.Role)),
            ["no token"] = _ => "..",
        };

        private ECDsaSecurityKey Key => key;

        private ECPoint Point => key.ECDsa.ExportParameters(includePrivateParameters: false).Q;

        private static Dictionary<string, object> Public(ECDsaSecurityKey key)
        {
            var jwk = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(key);
            return new() { ["kty"] = jwk.Kty, ["crv"] = jwk.Crv, ["x"] = jwk.X, ["y"] = jwk.Y };
        }

        private static DateTime Now => TimeProvider.System.GetUtcNow().UtcDateTime;

        public string Sign(Action<SecurityTokenDescriptor>? spoil = null, SecurityKey? with = null, Dictionary<string, object>? header = null)
        {
            var token = Descriptor(new SigningCredentials(with ?? key, SecurityAlgorithms.EcdsaSha256));
            token.AdditionalHeaderClaims = header?.Where(pair => pair.Key != "kid").ToDictionary();
            if (header?.GetValueOrDefault("kid") is string kid)
            {
                token.SigningCredentials = new SigningCredentials(new ECDsaSecurityKey(key.ECDsa) { KeyId = kid }, SecurityAlgorithms.EcdsaSha256);
            }
            spoil?.Invoke(token);
            return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(token);
        }

        private string Symmetric(byte[] secret) => new JsonWebTokenHandler().CreateToken(
            Descriptor(new SigningCredentials(new SymmetricSecurityKey(secret) { KeyId = key.KeyId }, SecurityAlgorithms.HmacSha256)));

        private string Unsigned(string algorithm) =>
            $"{Base64UrlEncoder.Encode($$"""{"alg":"{{algorithm}}","typ":"at+jwt","kid":"{{key.KeyId}}"}""")}.{Sign().Split('.')[1]}.";

        private static SecurityTokenDescriptor Descriptor(SigningCredentials credentials) => new()
        {
            Issuer = TokenMint.Issuer,
            Audience = TokenMint.HubAudience,
            TokenType = TokenMint.TokenType,
            Claims = Claims("agent:played", HubToken.Role),
            NotBefore = Now.AddSeconds(-1),
            Expires = Now.AddMinutes(5),
            SigningCredentials = credentials,
        };

        private static Dictionary<string, object> Claims(string subject, string role) => new() { ["sub"] = subject, ["roles"] = new[] { role } };
    }
}
