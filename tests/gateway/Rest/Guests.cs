using System.Net;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

internal static class Guests
{
    /// <summary>Another person, who is no admin, at their own browser.</summary>
    public static async Task<Browser> InviteAsync(this TestGateway gateway, Browser admin, string email = "grace@example.com")
    {
        var invited = await admin.PostAsync("/api/invitations", new { role = "user" });
        Assert.Equal(HttpStatusCode.Created, invited.StatusCode);
        var code = (await invited.JsonAsync()).GetProperty("code").GetString();
        var browser = gateway.NewBrowser();
        var accepted = await browser.PostAsync("/api/invitations/accept", new { code, email, password = "a long passphrase of grace" });
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
        browser.Take(await accepted.JsonAsync());
        return browser;
    }
}
