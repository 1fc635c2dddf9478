using System.Net;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

public sealed class InvitationTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    private readonly TestGateway _gateway = shared.Gateway;

    [Theory]
    [InlineData("user")]
    [InlineData("admin")]
    public async Task Whoever_is_invited_becomes_what_they_were_invited_as(string role)
    {
        var (email, code) = (NewAddress(), await InviteAsync(new { role }));
        using var browser = _gateway.NewBrowser();

        browser.Take(await AcceptAsync(browser, code, email).JsonAsync());

        var me = await browser.GetAsync("/api/me").JsonAsync();
        Assert.Equal((email, role), (me.GetProperty("email").GetString(), me.GetProperty("role").GetString()));
        Assert.Equal(HttpStatusCode.NoContent, await browser.PostAsync("/api/me/sign-out-everywhere").StatusAsync());
        using var again = await _gateway.SignInAsync(email, Person.Password);
    }

    [Theory]
    [InlineData("o'brien@example.com")]
    [InlineData("ada+lists/2026@example.com")]
    public async Task Every_valid_address_can_be_a_name(string email)
    {
        using var browser = _gateway.NewBrowser();

        Assert.Equal(HttpStatusCode.OK, await AcceptAsync(browser, await InviteAsync(new { email }), email).StatusAsync());
    }

    [Fact]
    public async Task A_code_lets_one_in_though_many_use_it_at_the_same_time()
    {
        var code = await InviteAsync(new { });
        Browser[] crowd = [.. Enumerable.Range(0, 8).Select(_ => _gateway.NewBrowser())];

        var answers = await Task.WhenAll(crowd.Select(browser => AcceptAsync(browser, code, NewAddress()).StatusAsync()));

        Assert.Single(answers, HttpStatusCode.OK);
        Assert.Equal(7, answers.Count(answer => answer == HttpStatusCode.UnprocessableEntity));
    }

    [Fact]
    public async Task Two_codes_used_at_the_same_time_make_one_account_of_one_address()
    {
        var email = NewAddress();
        string[] codes = [await InviteAsync(new { }), await InviteAsync(new { }), await InviteAsync(new { }), await InviteAsync(new { })];
        Browser[] crowd = [.. codes.Select(_ => _gateway.NewBrowser())];

        var answers = await Task.WhenAll(codes.Zip(crowd, (code, browser) => AcceptAsync(browser, code, email).StatusAsync()));

        Assert.Single(answers, HttpStatusCode.OK);
        Assert.Equal(3, answers.Count(answer => answer == HttpStatusCode.UnprocessableEntity));
        Assert.Equal(1L, await _gateway.SqlAsync("SELECT count(*) FROM users WHERE email = $1", email));
    }

    [Fact]
    public async Task A_code_for_somebody_is_for_nobody_else()
    {
        var code = await InviteAsync(new { email = "Grace@example.com" });
        using var browser = _gateway.NewBrowser();

        await AcceptAsync(browser, code, "mallory@example.com").IsProblemAsync(HttpStatusCode.UnprocessableEntity, "code_not_valid");
        Assert.Equal(HttpStatusCode.OK, await AcceptAsync(browser, code, "grace@example.com").StatusAsync());
    }

    [Fact]
    public async Task An_expired_code_is_not_valid()
    {
        var code = await InviteAsync(new { email = "late@example.com" });
        await _gateway.SqlAsync("UPDATE invitations SET expires_at = now() WHERE email = 'late@example.com'");
        using var browser = _gateway.NewBrowser();

        await AcceptAsync(browser, code, "late@example.com").IsProblemAsync(HttpStatusCode.UnprocessableEntity, "code_not_valid");
    }

    [Theory]
    [InlineData("""{"role": "user"}""")]
    [InlineData("""{"disabled": true}""")]
    public async Task A_code_is_worth_nothing_once_whoever_gave_it_is_no_admin(string change)
    {
        var person = await _gateway.NewPersonAsync(Roles.Admin);
        using var inviter = await _gateway.SignInAsync(person.Email, Person.Password);
        var code = (await inviter.PostAsync("/api/invitations", new { role = "admin" }).JsonAsync()).GetProperty("code").GetString() ?? "";
        using var admin = await _gateway.SignInAsync();
        using var request = new HttpRequestMessage(HttpMethod.Patch, $"/api/users/{person.Id}") { Content = new StringContent(change, null, "application/json") };
        Assert.Equal(HttpStatusCode.OK, await admin.SendAsync(request).StatusAsync());
        using var browser = _gateway.NewBrowser();

        await AcceptAsync(browser, code, NewAddress()).IsProblemAsync(HttpStatusCode.UnprocessableEntity, "code_not_valid");
    }

    [Fact]
    public async Task A_refused_password_leaves_the_code_to_be_used()
    {
        var code = await InviteAsync(new { });
        using var browser = _gateway.NewBrowser();

        await browser.PostAsync("/api/invitations/accept", new { code, email = NewAddress(), password = "short" })
            .IsProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid");

        Assert.Equal(HttpStatusCode.OK, await AcceptAsync(browser, code, NewAddress()).StatusAsync());
    }

    [Fact]
    public async Task A_wrong_code_is_not_valid_however_it_is_wrong()
    {
        var code = await InviteAsync(new { });
        var (id, secret) = (code.Split('.')[0], code.Split('.')[1]);
        var others = (await InviteAsync(new { })).Split('.')[1];
        using var browser = _gateway.NewBrowser();

        foreach (var wrong in new[] { id, $"{id}.", $"{id}.{others}", $"{id}.{secret}x", $"{id}.{secret}.x", $"sti_{secret}.{id}", code.ToUpperInvariant(), "sti_", "' OR 1=1 --" })
        {
            await AcceptAsync(browser, wrong, NewAddress()).IsProblemAsync(HttpStatusCode.UnprocessableEntity, "code_not_valid");
        }
    }

    [Fact]
    public async Task Only_admins_invite_and_only_as_what_there_is()
    {
        using var user = await _gateway.SignInNewAsync();
        using var admin = await _gateway.SignInAsync();

        Assert.Equal(HttpStatusCode.Forbidden, await user.PostAsync("/api/invitations", new { role = "admin" }).StatusAsync());
        await admin.PostAsync("/api/invitations", new { role = "root" }).IsProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid");
    }

    private async Task<string> InviteAsync(object invitation)
    {
        using var admin = await _gateway.SignInAsync();
        return (await admin.PostAsync("/api/invitations", invitation).JsonAsync()).GetProperty("code").GetString() ?? "";
    }

    private static string NewAddress() => $"{Guid.CreateVersion7():N}@example.com";

    private static Task<HttpResponseMessage> AcceptAsync(Browser browser, string code, string email) =>
        browser.PostAsync("/api/invitations/accept", new { code, email, password = Person.Password });
}
