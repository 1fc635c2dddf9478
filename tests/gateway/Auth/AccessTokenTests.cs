using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

public sealed class AccessTokenTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    private readonly TestGateway _gateway = shared.Gateway;

    [Fact]
    public async Task A_token_stands_for_its_user_and_is_kept_as_a_hash()
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);

        var token = await browser.NewTokenAsync("read");

        Assert.Equal(person.Id, (await _gateway.AskAsync(token.Text).JsonAsync()).GetProperty("user_id").GetGuid());
        var row = (string?)await _gateway.SqlAsync("SELECT row_to_json(t)::text FROM personal_access_tokens t WHERE id = $1", token.Id);
        Assert.DoesNotContain(token.Text.Split('.')[1], row, StringComparison.Ordinal);
        var listed = (await browser.GetAsync("/api/tokens").JsonAsync()).GetProperty("items").EnumerateArray().Single();
        Assert.Equal(token.Id, listed.GetProperty("token_id").GetGuid());
        Assert.NotNull(listed.GetProperty("last_used_at").GetString());
    }

    [Theory]
    [InlineData("UPDATE personal_access_tokens SET expires_at = now() WHERE id = $1")]
    [InlineData("UPDATE personal_access_tokens SET revoked_at = now() WHERE id = $1")]
    [InlineData("UPDATE users SET disabled_at = now() WHERE id = (SELECT user_id FROM personal_access_tokens WHERE id = $1)")]
    [InlineData("DELETE FROM personal_access_tokens WHERE id = $1")]
    public async Task A_token_that_has_ended_is_refused(string end)
    {
        using var browser = await _gateway.SignInNewAsync();
        var token = await browser.NewTokenAsync("read", "write");
        Assert.Equal(HttpStatusCode.OK, await _gateway.AskAsync(token.Text).StatusAsync());

        await _gateway.SqlAsync(end, token.Id);

        Assert.Equal(HttpStatusCode.Unauthorized, await _gateway.AskAsync(token.Text).StatusAsync());
    }

    [Fact]
    public async Task A_revoked_token_is_refused_at_once_and_others_go_on()
    {
        using var browser = await _gateway.SignInNewAsync();
        var (revoked, kept) = (await browser.NewTokenAsync("read"), await browser.NewTokenAsync("read"));

        Assert.Equal(HttpStatusCode.NoContent, await browser.DeleteAsync($"/api/tokens/{revoked.Id}").StatusAsync());

        Assert.Equal(HttpStatusCode.Unauthorized, await _gateway.AskAsync(revoked.Text).StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await _gateway.AskAsync(kept.Text).StatusAsync());
        Assert.Equal(HttpStatusCode.NotFound, await browser.DeleteAsync($"/api/tokens/{revoked.Id}").StatusAsync());
    }

    [Fact]
    public async Task Somebody_elses_token_is_not_there()
    {
        using var owner = await _gateway.SignInNewAsync();
        using var mallory = await _gateway.SignInNewAsync(Roles.Admin);
        var token = await owner.NewTokenAsync("read");

        await mallory.DeleteAsync($"/api/tokens/{token.Id}").IsProblemAsync(HttpStatusCode.NotFound, "token_not_found");

        Assert.Empty((await mallory.GetAsync("/api/tokens").JsonAsync()).GetProperty("items").EnumerateArray());
        Assert.Equal(HttpStatusCode.OK, await _gateway.AskAsync(token.Text).StatusAsync());
    }

    [Fact]
    public async Task A_token_makes_no_tokens_and_changes_no_password()
    {
        using var browser = await _gateway.SignInNewAsync(Roles.Admin);
        var token = await browser.NewTokenAsync("read", "write", "admin");
        using var http = new HttpClient { BaseAddress = _gateway.Url };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.Text);

        await http.PostAsJsonAsync("/api/tokens", new { name = "immortal", scopes = new[] { "read" } })
            .IsProblemAsync(HttpStatusCode.Forbidden, "session_needed");
        await http.PostAsJsonAsync("/api/me/password", new { current = Person.Password, @new = "a passphrase of the thief" })
            .IsProblemAsync(HttpStatusCode.Forbidden, "session_needed");
    }

    [Theory]
    [InlineData("""{"name": "x", "scopes": ["admin"]}""", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"name": "x", "scopes": ["read", "root"]}""", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"name": "x", "scopes": ["read", null]}""", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"name": "x", "scopes": []}""", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"name": "x", "scopes": ["read"], "expires_in_days": 367}""", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"name": "x", "scopes": ["read"], "expires_in_days": -1}""", HttpStatusCode.UnprocessableEntity)]
    [InlineData("""{"name": "x\u0000", "scopes": ["read"]}""", HttpStatusCode.BadRequest)]
    public async Task A_user_makes_no_token_that_can_more_or_lasts_longer_than_may_be(string body, HttpStatusCode status)
    {
        using var browser = await _gateway.SignInNewAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/tokens") { Content = new StringContent(body, null, "application/json") };

        Assert.Equal(status, await browser.SendAsync(request).StatusAsync());
    }

    [Fact]
    public async Task An_admins_token_is_a_users_once_they_are_one()
    {
        var person = await _gateway.NewPersonAsync(Roles.Admin);
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        var token = await browser.NewTokenAsync("read", "admin");
        Assert.Equal(HttpStatusCode.OK, await _gateway.AskAsync(token.Text, "/api/users").StatusAsync());
        using var admin = await _gateway.SignInAsync();

        await admin.PatchAsync($"/api/users/{person.Id}", new { role = "user" });

        Assert.Equal(HttpStatusCode.Forbidden, await _gateway.AskAsync(token.Text, "/api/users").StatusAsync());
    }

    [Fact]
    public async Task A_wrong_token_is_refused_however_it_is_wrong_and_no_cookie_helps_it()
    {
        using var browser = await _gateway.SignInNewAsync();
        var (one, other) = (await browser.NewTokenAsync("read"), await browser.NewTokenAsync("read"));
        var (id, secret) = (one.Text.Split('.')[0], one.Text.Split('.')[1]);

        foreach (var wrong in new[] { "x", "stp_", id, $"{id}.", $"{id}.{other.Text.Split('.')[1]}", $"{id}.{secret}A", one.Text + " x", one.Text.Replace("stp_", "sta_", StringComparison.Ordinal) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/me");
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {wrong}");
            Assert.Equal((wrong, HttpStatusCode.Unauthorized), (wrong, await browser.SendAsync(request).StatusAsync()));
        }
    }

    [Fact]
    public async Task A_token_in_an_address_counts_at_hubs_only()
    {
        using var browser = await _gateway.SignInNewAsync();
        var token = await browser.NewTokenAsync("read");
        using var http = new HttpClient { BaseAddress = _gateway.Url };

        Assert.Equal(HttpStatusCode.Unauthorized, await http.GetAsync($"/api/me?access_token={token.Text}").StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await http.PostAsync($"/hubs/chat/negotiate?negotiateVersion=1&access_token={token.Text}", null).StatusAsync());
    }
}
