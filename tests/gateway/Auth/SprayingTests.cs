using System.Net;
using System.Net.Http.Json;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

/// <summary>One address that tries many accounts, and many addresses that try one.</summary>
public sealed class SprayingTests(PostgresServer postgres)
{
    private const int Limit = 20;

    [Fact]
    public async Task One_address_that_tries_many_accounts_is_told_to_wait_whatever_it_says_of_its_address()
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var http = new HttpClient { BaseAddress = gateway.Url };
        var answers = await Task.WhenAll(
            Enumerable.Range(0, Limit).Select(account => KnockAsync(http, $"person-{account}@example.com", from: $"203.0.113.{account}")));
        var refused = await KnockAsync(http, "person-99@example.com", from: "203.0.113.99");

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode));
        await Task.FromResult(refused).IsProblemAsync(HttpStatusCode.TooManyRequests, "too_many_requests");
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await KnockAsync(http, TestGateway.AdminEmail, from: "203.0.113.200", TestGateway.AdminPassword)).StatusCode);
    }

    [Fact]
    public async Task Many_addresses_that_try_one_account_lock_it_and_other_people_go_on()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, BehindProxy);
        var victim = await gateway.NewPersonAsync();
        var bystander = await gateway.NewPersonAsync();
        using var http = new HttpClient { BaseAddress = gateway.Url };

        await Task.WhenAll(Enumerable.Range(0, 3 * Limit).Select(guess => KnockAsync(http, victim.Email, from: $"203.0.113.{guess}")));

        Assert.Equal(HttpStatusCode.Unauthorized, (await KnockAsync(http, victim.Email, "198.51.100.1", Person.Password)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await KnockAsync(http, bystander.Email, "198.51.100.2", Person.Password)).StatusCode);
        Assert.NotNull(await gateway.SqlAsync("SELECT lockout_end FROM users WHERE id = $1", victim.Id));
    }

    [Fact]
    public async Task Behind_a_trusted_proxy_each_client_has_limits_of_its_own_and_invents_no_others()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, BehindProxy);
        using var http = new HttpClient { BaseAddress = gateway.Url };

        // What the client wrote stands left of what the proxy added.
        await Task.WhenAll(Enumerable.Range(0, Limit).Select(guess => KnockAsync(http, $"p{guess}@example.com", from: $"192.0.2.{guess}, 203.0.113.7")));

        Assert.Equal(HttpStatusCode.TooManyRequests, (await KnockAsync(http, "x@example.com", from: "192.0.2.99, 203.0.113.7")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await KnockAsync(http, "x@example.com", from: "203.0.113.8")).StatusCode);
        Assert.Equal("203.0.113.8", await gateway.SqlAsync("SELECT remote_address FROM audit_log ORDER BY id DESC LIMIT 1"));
    }

    [Fact]
    public async Task All_addresses_of_an_ipv6_network_are_one_client()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, BehindProxy);
        using var http = new HttpClient { BaseAddress = gateway.Url };

        await Task.WhenAll(Enumerable.Range(1, Limit).Select(guess => KnockAsync(http, $"p{guess}@example.com", from: $"2001:db8:1:1::{guess:x}")));

        Assert.Equal(HttpStatusCode.TooManyRequests, (await KnockAsync(http, "x@example.com", from: "2001:db8:1:1:ffff::1")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await KnockAsync(http, "x@example.com", from: "2001:db8:1:2::1")).StatusCode);
    }

    private static Dictionary<string, string?> BehindProxy => new(TestGateway.WithAdmin) { ["Gateway:Proxies:0"] = "127.0.0.0/8" };

    private static async Task<HttpResponseMessage> KnockAsync(HttpClient http, string email, string from, string password = "a wrong passphrase")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/session") { Content = JsonContent.Create(new { email, password }) };
        request.Headers.Add("X-Forwarded-For", from);
        return await http.SendAsync(request);
    }
}
