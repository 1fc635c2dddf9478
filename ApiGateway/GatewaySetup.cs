using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway;

internal static class GatewaySetup
{
    /// <summary>What all parts stand on: options, time, JSON, the server's own limits.</summary>
    public static void AddGateway(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<GatewayOptions>().BindConfiguration(GatewayOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<GatewayOptions>, GatewayOptionsCheck>();
        services.AddSingleton(TimeProvider.System);
        services.AddMemoryCache();
        services.AddHttpContextAccessor();
        services.ConfigureHttpJsonOptions(options => ApplyJson(options.SerializerOptions));
        services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<GatewayOptions>>(TrustProxies);
        var limits = builder.Configuration.GetSection(GatewayOptions.Section).Get<GatewayOptions>()?.Limits ?? new LimitOptions();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = limits.RequestBytes;
        });
    }

    /// <summary>Requests are read strictly: an unknown field is a mistake that its sender should hear of.</summary>
    public static void ApplyJson(JsonSerializerOptions options)
    {
        WireJson.Apply(options);
        options.Converters.Add(new StorableTextConverter());
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
    }

    private static void TrustProxies(ForwardedHeadersOptions options, IOptions<GatewayOptions> gateway)
    {
        // Nobody is believed by default, not even loopback: every process of the machine can connect from there.
        options.KnownIPNetworks.Clear();
        options.KnownProxies.Clear();
        foreach (var proxy in gateway.Value.Proxies)
        {
            if (System.Net.IPNetwork.TryParse(proxy, out var network))
            {
                options.KnownIPNetworks.Add(network);
            }
            else
            {
                options.KnownProxies.Add(IPAddress.Parse(proxy));
            }
        }
        // Each hop must be known to be believed, so there is no number of them to guess.
        options.ForwardLimit = null;
        options.ForwardedHeaders = gateway.Value.Proxies.Count == 0
            ? ForwardedHeaders.None
            : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
    }
}
