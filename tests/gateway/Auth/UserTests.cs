using System.Net;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

public sealed class UserTests(SharedGateway shared, PostgresServer postgres) : IClassFixture<SharedGateway>
{
    private readonly TestGateway _gateway = shared.Gateway;

    [Fact]
    public async Task A_disabled_user_is_out_at_once_and_cannot_come_back_until_enabled()
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        using var admin = await _gateway.SignInAsync();
        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/api/me").StatusAsync());

        var view = await admin.PatchAsync($"/api/users/{person.Id}", new { disabled = true }).JsonAsync();

        Assert.True(view.GetProperty("disabled").GetBoolean());
        Assert.Equal(HttpStatusCode.Unauthorized, await browser.GetAsync("/api/me").StatusAsync());
        using var again = _gateway.NewBrowser();
        await again.PostAsync("/api/session", new { email = person.Email, password = Person.Password }).IsProblemAsync(HttpStatusCode.Unauthorized, "sign_in_failed");
        await admin.PatchAsync($"/api/users/{person.Id}", new { disabled = false });
        await again.SignInAsync(person.Email, Person.Password);
        Assert.Equal(HttpStatusCode.Unauthorized, await browser.GetAsync("/api/me").StatusAsync());
    }

    [Fact]
    public async Task Another_role_ends_the_sessions_that_had_the_one_before()
    {
        var person = await _gateway.NewPersonAsync(Roles.Admin);
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        Assert.Equal(HttpStatusCode.OK, await browser.GetAsync("/api/users").StatusAsync());
        using var admin = await _gateway.SignInAsync();

        await admin.PatchAsync($"/api/users/{person.Id}", new { role = "user" });

        Assert.Equal(HttpStatusCode.Unauthorized, await browser.GetAsync("/api/users").StatusAsync());
        using var after = await _gateway.SignInAsync(person.Email, Person.Password);
        Assert.Equal(HttpStatusCode.Forbidden, await after.GetAsync("/api/users").StatusAsync());
    }

    [Fact]
    public async Task Users_are_listed_with_their_state_and_without_their_secrets()
    {
        var person = await _gateway.NewPersonAsync();
        using var admin = await _gateway.SignInAsync();

        var body = await (await admin.GetAsync("/api/users")).Content.ReadAsStringAsync();

        Assert.Contains(person.Email, body, StringComparison.Ordinal);
        var hash = (string?)await _gateway.SqlAsync("SELECT password_hash FROM users WHERE id = $1", person.Id);
        Assert.DoesNotContain(hash ?? "?", body, StringComparison.Ordinal);
        Assert.DoesNotContain("stamp", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_is_changed_into_what_there_is_not()
    {
        var person = await _gateway.NewPersonAsync();
        using var admin = await _gateway.SignInAsync();

        await admin.PatchAsync($"/api/users/{person.Id}", new { role = "root" }).IsProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid");
        await admin.PatchAsync($"/api/users/{Guid.Empty}", new { role = "user" }).IsProblemAsync(HttpStatusCode.NotFound, "user_not_found");
        Assert.Equal(HttpStatusCode.BadRequest, await admin.PatchAsync($"/api/users/{person.Id}", new { password_hash = "x" }).StatusAsync());
    }

    [Theory]
    [InlineData("""{"role": "user"}""")]
    [InlineData("""{"disabled": true}""")]
    public async Task The_last_admin_remains(string change)
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var admin = await gateway.SignInAsync();
        var other = await gateway.NewPersonAsync(Roles.Admin);
        await admin.PatchAsync($"/api/users/{other.Id}", new { disabled = true });
        var self = (await admin.GetAsync("/api/me").JsonAsync()).GetProperty("user_id").GetGuid();
        using var request = new HttpRequestMessage(HttpMethod.Patch, $"/api/users/{self}") { Content = new StringContent(change, null, "application/json") };

        await admin.SendAsync(request).IsProblemAsync(HttpStatusCode.Conflict, "last_admin");

        Assert.Equal(HttpStatusCode.OK, await admin.GetAsync("/api/users").StatusAsync());
    }

    [Fact]
    public async Task Two_admins_who_demote_each_other_at_the_same_time_leave_one()
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var one = await gateway.SignInAsync();
        var person = await gateway.NewPersonAsync(Roles.Admin);
        using var other = await gateway.SignInAsync(person.Email, Person.Password);
        var self = (await one.GetAsync("/api/me").JsonAsync()).GetProperty("user_id").GetGuid();

        await Task.WhenAll(
            one.PatchAsync($"/api/users/{person.Id}", new { role = "user" }), other.PatchAsync($"/api/users/{self}", new { role = "user" }));

        Assert.Equal(1L, await gateway.SqlAsync("SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL"));
    }
}
