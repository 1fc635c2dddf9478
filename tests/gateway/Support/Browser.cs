using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A client that keeps cookies as a browser does on loopback (Secure ones over HTTP too) and sends the CSRF token.</summary>
internal sealed class Browser : IDisposable
{
    private readonly HttpClient _http;
    private readonly Dictionary<string, string> _cookies = [];
    private string? _csrfToken;

    public Browser(Uri url) =>
        _http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = url };

    public IReadOnlyDictionary<string, string> Cookies => _cookies;

    public string CookieHeader => string.Join("; ", _cookies.Select(cookie => $"{cookie.Key}={cookie.Value}"));

    /// <summary>Be what a thief is who has copied the cookies, or a browser in which somebody has planted theirs.</summary>
    public void CopyCookies(Browser other)
    {
        foreach (var (name, value) in other._cookies)
        {
            _cookies[name] = value;
        }
    }

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    public Task<HttpResponseMessage> PostAsync(string path, object? body = null) => SendAsync(WithBody(HttpMethod.Post, path, body));

    public Task<HttpResponseMessage> PatchAsync(string path, object body) => SendAsync(WithBody(HttpMethod.Patch, path, body));

    public Task<HttpResponseMessage> DeleteAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Delete, path));

    /// <summary>Send a request as it is, but for cookies and the CSRF token (left out with <paramref name="csrf"/> false).</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, bool csrf = true)
    {
        if (_cookies.Count > 0)
        {
            request.Headers.Add("Cookie", CookieHeader);
        }
        if (csrf && _csrfToken is not null && request.Method != HttpMethod.Get)
        {
            request.Headers.Add("X-CSRF-Token", _csrfToken);
        }
        var response = await _http.SendAsync(request);
        KeepCookies(response);
        return response;
    }

    public async Task SignInAsync(string email, string password)
    {
        var answer = await PostAsync("/api/session", new { email, password });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Take(await answer.Content.ReadFromJsonAsync<JsonElement>());
    }

    /// <summary>Keep the CSRF token of a session view.</summary>
    public void Take(JsonElement session) => _csrfToken = session.GetProperty("csrf_token").GetString();

    public void Dispose() => _http.Dispose();

    private static HttpRequestMessage WithBody(HttpMethod method, string path, object? body) =>
        new(method, path) { Content = body is null ? null : JsonContent.Create(body) };

    private void KeepCookies(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Set-Cookie", out var lines))
        {
            return;
        }
        foreach (var line in lines)
        {
            var pair = line.Split(';')[0].Split('=', 2);
            if (pair[1].Length == 0)
            {
                _cookies.Remove(pair[0]);
            }
            else
            {
                _cookies[pair[0]] = pair[1];
            }
        }
    }
}
