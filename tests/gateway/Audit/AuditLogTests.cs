using System.Net;
using Npgsql;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Audit;

public sealed class AuditLogTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    private readonly TestGateway _gateway = shared.Gateway;

    [Theory]
    [InlineData("UPDATE audit_log SET actor = 'nobody'")]
    [InlineData("DELETE FROM audit_log")]
    [InlineData("TRUNCATE audit_log")]
    [InlineData("SET session_replication_role = replica; DELETE FROM audit_log")]
    public async Task What_was_noted_stays_noted(string change)
    {
        using var browser = await _gateway.SignInAsync();
        var before = await CountAsync();

        var error = await Assert.ThrowsAsync<PostgresException>(() => _gateway.SqlAsync(change));

        Assert.Contains("takes new rows only", error.MessageText, StringComparison.Ordinal);
        Assert.Equal(before, await CountAsync());
    }

    [Fact]
    public async Task What_a_person_does_with_their_account_is_noted_with_their_address()
    {
        var person = await _gateway.NewPersonAsync();
        using var stranger = _gateway.NewBrowser();
        await stranger.PostAsync("/api/session", new { email = person.Email, password = "a wrong passphrase" });
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        var token = await browser.NewTokenAsync("read");
        await browser.DeleteAsync($"/api/tokens/{token.Id}");
        browser.Take(await browser.PostAsync("/api/me/password", new { current = Person.Password, @new = "another long passphrase" }).JsonAsync());
        await browser.DeleteAsync("/api/session");

        Assert.Equal(
            "sign_in_failed signed_in token_created token_revoked password_changed signed_out",
            await NotedAsync("(actor = $1 OR subject = $1)", person.Id.ToString()));
        Assert.Equal("127.0.0.1", await _gateway.SqlAsync("SELECT min(remote_address) FROM audit_log WHERE actor = $1", person.Id.ToString()));
    }

    [Fact]
    public async Task What_an_admin_does_with_others_is_noted_with_what_was_changed()
    {
        var person = await _gateway.NewPersonAsync();
        using var admin = await _gateway.SignInAsync();

        await admin.PatchAsync($"/api/users/{person.Id}", new { disabled = true, role = "user" });

        Assert.Equal("user_changed", await NotedAsync("subject = $1", person.Id.ToString()));
        Assert.Equal("true", await _gateway.SqlAsync("SELECT detail ->> 'disabled' FROM audit_log WHERE subject = $1", person.Id.ToString()));
    }

    [Fact]
    public async Task A_refusal_is_noted_once_a_minute_however_often_it_is_tried()
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        for (var attempt = 0; attempt < 5; attempt++)
        {
            Assert.Equal(HttpStatusCode.Forbidden, await browser.GetAsync("/api/users").StatusAsync());
            await browser.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/api/me/sign-out-everywhere"), csrf: false)
                .IsProblemAsync(HttpStatusCode.Forbidden, "csrf_token_missing");
        }

        Assert.Equal("signed_in access_denied access_denied", await NotedAsync("actor = $1", person.Id.ToString()));
        Assert.Equal(
            "/api/users /api/me/sign-out-everywhere",
            await _gateway.SqlAsync("SELECT string_agg(subject, ' ' ORDER BY id) FROM audit_log WHERE actor = $1 AND action = 'access_denied'", person.Id.ToString()));
    }

    [Fact]
    public async Task A_decision_that_an_agent_took_is_noted_and_one_that_it_refused_is_not()
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        await using var viewer = await Viewer.ConnectAsync(_gateway.Url, browser);
        var (refused, taken) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await viewer.ExecuteAsync(new { type = "decide_approval", approval_id = refused, decision = "approve" }); // nobody is here
        await using var agent = await PlayedAgent.StartAsync(_gateway.Url);
        await viewer.ExecuteAsync(new { type = "decide_approval", approval_id = taken, decision = "reject" });
        await viewer.ExecuteAsync(new { type = "submit_task", goal = "x" });

        Assert.Equal("signed_in approval_decided", await NotedAsync("actor = $1", person.Id.ToString()));
        Assert.Equal("reject", await _gateway.SqlAsync("SELECT detail ->> 'decision' FROM audit_log WHERE subject = $1", $"/api/approvals/{taken}"));
    }

    [Fact]
    public async Task A_change_that_failed_is_not_noted_as_one()
    {
        var person = await _gateway.NewPersonAsync();
        using var admin = await _gateway.SignInAsync();

        Assert.Equal(HttpStatusCode.UnprocessableEntity, await admin.PatchAsync($"/api/users/{person.Id}", new { role = "root" }).StatusAsync());

        Assert.Equal("", await NotedAsync("subject = $1", person.Id.ToString()));
    }

    [Fact]
    public async Task No_secret_is_in_the_log()
    {
        var person = await _gateway.NewPersonAsync();
        using var stranger = _gateway.NewBrowser();
        await stranger.PostAsync("/api/session", new { email = "typed-in-the-wrong-field-7731", password = Person.Password });
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        var token = await browser.NewTokenAsync("read");

        var everything = (string?)await _gateway.SqlAsync("SELECT string_agg(row_to_json(a)::text, ' ') FROM audit_log a");

        Assert.DoesNotContain("typed-in-the-wrong-field-7731", everything, StringComparison.Ordinal);
        Assert.DoesNotContain(Person.Password, everything, StringComparison.Ordinal);
        Assert.DoesNotContain(token.Text.Split('.')[1], everything, StringComparison.Ordinal);
    }

    private async Task<long> CountAsync() => (long)(await _gateway.SqlAsync("SELECT count(*) FROM audit_log") ?? 0L);

    private async Task<string> NotedAsync(string which, string parameter) =>
        (string?)await _gateway.SqlAsync($"SELECT coalesce(string_agg(action, ' ' ORDER BY id), '') FROM audit_log WHERE {which}", parameter) ?? "";
}
