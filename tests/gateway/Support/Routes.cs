using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A way into a gateway, as the gateway itself lists it: a new one cannot be forgotten.</summary>
internal sealed partial record Route(string Method, string Path, IReadOnlyList<string> Policies, bool IsAnonymous)
{
    private static readonly string[] s_every = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    public bool IsSafe => Method is "GET" or "HEAD" or "OPTIONS";

    public bool IsHub => Path.StartsWith("/hubs", StringComparison.Ordinal);

    public static IReadOnlyList<Route> Of(TestGateway gateway) =>
        [.. gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().SelectMany(Of)];

    public HttpRequestMessage NewRequest() => new(new HttpMethod(Method), Path)
    {
        Content = IsSafe ? null : new StringContent("{}", null, "application/json"),
    };

    public override string ToString() => $"{Method} {Path}";

    private static IEnumerable<Route> Of(RouteEndpoint endpoint)
    {
        var path = "/" + Parameter().Replace(endpoint.RoutePattern.RawText ?? "", Guid.Empty.ToString()).Trim('/');
        var policies = endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy ?? "").ToList();
        var isAnonymous = endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;
        var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods is { Count: > 0 } named ? named : s_every;
        return methods.Select(method => new Route(method, path, policies, isAnonymous));
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
