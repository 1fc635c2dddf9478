using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

public sealed class SessionTests(PostgresServer postgres)
{
    [Fact]
    public async Task The_first_user_signs_in_and_out()
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var browser = await gateway.SignInAsync();

        var me = await (await browser.GetAsync("/api/me")).Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("admin", me.GetProperty("role").GetString());

        Assert.Equal(HttpStatusCode.NoContent, (await browser.DeleteAsync("/api/session")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.GetAsync("/api/me")).StatusCode);
    }

    [Fact]
    public async Task A_change_without_the_csrf_token_is_refused()
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var browser = await gateway.SignInAsync();

        var answer = await browser.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, "/api/invitations") { Content = JsonContent.Create(new { role = "user" }) }, csrf: false);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("csrf_token_missing", (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Sign_out_everywhere_ends_every_session_at_once()
    {
        await using var gateway = await TestGateway.StartAsync(postgres);
        using var one = await gateway.SignInAsync();
        using var other = await gateway.SignInAsync();

        Assert.Equal(HttpStatusCode.NoContent, (await one.PostAsync("/api/me/sign-out-everywhere")).StatusCode);

        Assert.Equal(HttpStatusCode.Unauthorized, (await other.GetAsync("/api/me")).StatusCode);
    }
}
