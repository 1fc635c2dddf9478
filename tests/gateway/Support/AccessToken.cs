namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A personal access token, as it is shown once.</summary>
internal sealed record AccessToken(Guid Id, string Text);

internal static class AccessTokens
{
    public static async Task<AccessToken> NewTokenAsync(this Browser browser, params string[] scopes)
    {
        var made = await browser.PostAsync("/api/tokens", new { name = "script", scopes }).JsonAsync();
        return new AccessToken(made.GetProperty("token_id").GetGuid(), made.GetProperty("token").GetString() ?? "");
    }

    /// <summary>What this token gets for an answer.</summary>
    public static async Task<HttpResponseMessage> AskAsync(this TestGateway gateway, string token, string path = "/api/me", HttpMethod? method = null)
    {
        using var http = new HttpClient { BaseAddress = gateway.Url };
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        return await http.SendAsync(request);
    }
}
