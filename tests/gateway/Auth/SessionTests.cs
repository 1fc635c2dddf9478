using System.Net;
using System.Net.Http.Json;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

public sealed class SessionTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    private const string NewPassword = "another long passphrase";
    private readonly TestGateway _gateway = shared.Gateway;

    [Fact]
    public async Task The_first_user_signs_in_and_out()
    {
        using var browser = await _gateway.SignInAsync();

        Assert.Equal("admin", (await browser.GetAsync("/api/me").JsonAsync()).GetProperty("role").GetString());

        Assert.Equal(HttpStatusCode.NoContent, await browser.DeleteAsync("/api/session").StatusAsync());
        await browser.GetAsync("/api/me").IsProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_copy_of_the_cookie_is_worth_nothing_after_signing_out()
    {
        using var browser = await _gateway.SignInNewAsync();
        using var thief = _gateway.NewBrowser();
        thief.CopyCookies(browser);
        Assert.Equal(HttpStatusCode.OK, await thief.GetAsync("/api/me").StatusAsync());

        await browser.DeleteAsync("/api/session");

        Assert.Equal(HttpStatusCode.Unauthorized, await thief.GetAsync("/api/me").StatusAsync());
    }

    [Fact]
    public async Task Signing_out_leaves_the_persons_other_sessions()
    {
        var person = await _gateway.NewPersonAsync();
        using var one = await _gateway.SignInAsync(person.Email, Person.Password);
        using var other = await _gateway.SignInAsync(person.Email, Person.Password);

        await one.DeleteAsync("/api/session");

        Assert.Equal(HttpStatusCode.OK, await other.GetAsync("/api/me").StatusAsync());
    }

    [Fact]
    public async Task Sign_out_everywhere_ends_every_session_at_once()
    {
        var person = await _gateway.NewPersonAsync();
        using var one = await _gateway.SignInAsync(person.Email, Person.Password);
        using var other = await _gateway.SignInAsync(person.Email, Person.Password);
        using var bystander = await _gateway.SignInAsync();

        Assert.Equal(HttpStatusCode.NoContent, await one.PostAsync("/api/me/sign-out-everywhere").StatusAsync());

        Assert.Equal(HttpStatusCode.Unauthorized, await one.GetAsync("/api/me").StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await other.GetAsync("/api/me").StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await bystander.GetAsync("/api/me").StatusAsync());
    }

    [Fact]
    public async Task A_session_does_not_last_for_ever_though_it_is_used()
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        await _gateway.SqlAsync("UPDATE sessions SET started_at = now() - interval '91 days' WHERE user_id = $1", person.Id);

        Assert.Equal(HttpStatusCode.Unauthorized, await browser.GetAsync("/api/me").StatusAsync());
    }

    [Fact]
    public async Task Cookies_are_for_this_host_and_no_script_and_no_foreign_page()
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = _gateway.NewBrowser();

        var answer = await browser.PostAsync("/api/session", new { email = person.Email, password = Person.Password });

        var lines = answer.Headers.GetValues("Set-Cookie").ToDictionary(line => line.Split('=')[0], StringComparer.Ordinal);
        Assert.Equal(["__Host-steersman", "__Host-steersman-csrf"], lines.Keys.Order());
        Assert.All(lines.Values, line => Assert.Contains("; path=/;", line + ";", StringComparison.OrdinalIgnoreCase));
        Assert.All(lines.Values, line => Assert.Contains("; secure", line, StringComparison.OrdinalIgnoreCase));
        Assert.All(lines.Values, line => Assert.Contains("; httponly", line, StringComparison.OrdinalIgnoreCase));
        Assert.All(lines.Values, line => Assert.DoesNotContain("domain=", line, StringComparison.OrdinalIgnoreCase));
        Assert.Contains("; samesite=lax", lines["__Host-steersman"], StringComparison.OrdinalIgnoreCase);
        Assert.Contains("; samesite=strict", lines["__Host-steersman-csrf"], StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Signing_in_makes_a_new_session_and_ends_the_one_that_somebody_planted()
    {
        var mallory = await _gateway.NewPersonAsync();
        var victim = await _gateway.NewPersonAsync();
        using var planted = await _gateway.SignInAsync(mallory.Email, Person.Password);
        using var browser = _gateway.NewBrowser();
        browser.CopyCookies(planted);

        browser.Take(await browser.GetAsync("/api/session").JsonAsync());
        await browser.SignInAsync(victim.Email, Person.Password);

        Assert.NotEqual(planted.Cookies["__Host-steersman"], browser.Cookies["__Host-steersman"]);
        Assert.Equal(victim.Email, (await browser.GetAsync("/api/me").JsonAsync()).GetProperty("email").GetString());
        Assert.Equal(HttpStatusCode.Unauthorized, await planted.GetAsync("/api/me").StatusAsync());
    }

    [Fact]
    public async Task A_csrf_token_from_before_the_sign_in_or_of_somebody_else_is_refused()
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = _gateway.NewBrowser();
        var before = (await browser.GetAsync("/api/session").JsonAsync()).GetProperty("csrf_token").GetString();
        await browser.SignInAsync(person.Email, Person.Password);
        using var other = await _gateway.SignInNewAsync();
        var others = (await other.GetAsync("/api/session").JsonAsync()).GetProperty("csrf_token").GetString();

        foreach (var token in new[] { before, others })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/me/sign-out-everywhere");
            request.Headers.Add("X-CSRF-Token", token);
            await browser.SendAsync(request, csrf: false).IsProblemAsync(HttpStatusCode.Forbidden, "csrf_token_missing");
        }
    }

    [Fact]
    public async Task Another_password_ends_the_other_sessions_and_is_the_one_from_then_on()
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        using var other = await _gateway.SignInAsync(person.Email, Person.Password);

        var answer = await browser.PostAsync("/api/me/password", new { current = Person.Password, @new = NewPassword });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/api/me").StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await other.GetAsync("/api/me").StatusAsync());
        using var stale = _gateway.NewBrowser();
        await stale.PostAsync("/api/session", new { email = person.Email, password = Person.Password })
            .IsProblemAsync(HttpStatusCode.Unauthorized, "sign_in_failed");
        using var fresh = await _gateway.SignInAsync(person.Email, NewPassword);
    }

    [Theory]
    [InlineData("not the password at all", NewPassword)]
    [InlineData(Person.Password, "short")]
    [InlineData(Person.Password, "aaaaaaaaaaaaaaaaaaaa")]
    public async Task A_wrong_password_or_a_weak_new_one_changes_nothing(string current, string next)
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);

        await browser.PostAsync("/api/me/password", new { current, @new = next }).IsProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid");

        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/api/me").StatusAsync());
        using var again = await _gateway.SignInAsync(person.Email, Person.Password);
    }

    [Theory]
    [InlineData("""{"email": "a\u0000@example.com", "password": "x"}""")]
    [InlineData("""{"email": "a\ud800@example.com", "password": "x"}""")]
    [InlineData("""{"email": null, "password": "x"}""")]
    [InlineData("""{"email": ["a"], "password": "x"}""")]
    [InlineData("""{"email": "a@example.com", "password": "x", "role": "admin"}""")]
    [InlineData("""{"email": """)]
    public async Task A_malformed_sign_in_is_the_senders_mistake(string body)
    {
        using var browser = _gateway.NewBrowser();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/session") { Content = new StringContent(body, null, "application/json") };

        Assert.Equal(HttpStatusCode.BadRequest, await browser.SendAsync(request).StatusAsync());
    }

    [Fact]
    public async Task A_password_that_would_take_long_to_look_at_is_not_looked_at()
    {
        using var browser = _gateway.NewBrowser();

        await browser.PostAsync("/api/session", new { email = TestGateway.AdminEmail, password = new string('x', 257) })
            .IsProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid");
    }

    [Fact]
    public async Task A_form_of_a_foreign_page_signs_nobody_in()
    {
        using var browser = _gateway.NewBrowser();
        using var form = new HttpRequestMessage(HttpMethod.Post, "/api/session")
        {
            Content = new StringContent("""{"email":"ada@example.com","password":"a long passphrase of ada"}""", null, "text/plain"),
        };

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, await browser.SendAsync(form).StatusAsync());
        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/api/session")
        {
            Content = JsonContent.Create(new { email = TestGateway.AdminEmail, password = TestGateway.AdminPassword }),
        };
        foreign.Headers.Add("Origin", "https://evil.example");
        await browser.SendAsync(foreign).IsProblemAsync(HttpStatusCode.Forbidden, "foreign_origin");
    }
}
