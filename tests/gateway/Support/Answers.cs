using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>What tests say of an answer.</summary>
internal static class Answers
{
    public static Task<JsonElement> JsonAsync(this HttpResponseMessage answer) => answer.Content.ReadFromJsonAsync<JsonElement>();

    public static async Task<JsonElement> JsonAsync(this Task<HttpResponseMessage> answer) => await (await answer).JsonAsync();

    public static async Task<HttpStatusCode> StatusAsync(this Task<HttpResponseMessage> answer) => (await answer).StatusCode;

    /// <summary>The answer is a problem of this status and code.</summary>
    public static async Task IsProblemAsync(this Task<HttpResponseMessage> asked, HttpStatusCode status, string code)
    {
        var answer = await asked;
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == status, $"{(int)answer.StatusCode} instead of {(int)status}: {body}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(code, JsonDocument.Parse(body).RootElement.GetProperty("code").GetString());
    }
}
