namespace Steersman.ApiGateway.Auth;

/// <summary>The token that a request shows.</summary>
internal static class BearerToken
{
    private const string Scheme = "Bearer ";

    public static string? Of(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return header[Scheme.Length..].Trim();
        }
        // Browsers cannot add headers to a WebSocket. Anywhere else a token in an address would end in logs.
        var isHub = request.Path.StartsWithSegments("/hubs", StringComparison.Ordinal);
        return isHub && request.Query["access_token"] is [{ Length: > 0 } token] ? token : null;
    }
}
