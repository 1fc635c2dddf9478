using System.Globalization;
using System.Net.Sockets;
using System.Security.Claims;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Web;

/// <summary>How often one user, or one address that has not said who it is, may ask.</summary>
internal static class Limits
{
    public const string SignIn = "sign_in";

    /// <summary>Agents show their keys at each connection, many of them from one address.</summary>
    public const string AgentKey = "agent_key";

    /// <summary>How long an answer may take.</summary>
    public const string Answer = "answer";

    public static void AddLimits(this WebApplicationBuilder builder)
    {
        builder.Services.AddRateLimiter(options =>
        {
            options.OnRejected = RejectAsync;
            options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(PerCaller);
            options.AddPolicy(SignIn, context => PerAddress(context, SignIn, Of(context).SignInsPerMinute));
            options.AddPolicy(AgentKey, context => PerAddress(context, AgentKey, Of(context).AgentKeysPerMinute));
        });
        builder.Services.AddRequestTimeouts();
        builder.Services.AddOptions<RequestTimeoutOptions>().Configure<IOptions<GatewayOptions>>((options, gateway) =>
            options.AddPolicy(Answer, new RequestTimeoutPolicy { Timeout = gateway.Value.Limits.AnswerTime, WriteTimeoutResponse = SayTooLateAsync }));
    }

    private static Task SayTooLateAsync(HttpContext context) =>
        Problems.Of(StatusCodes.Status504GatewayTimeout, "timeout", "It took too long; try again.").ExecuteAsync(context);

    private static RateLimitPartition<string> PerCaller(HttpContext context)
    {
        if (context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal))
        {
            return RateLimitPartition.GetNoLimiter("");
        }
        var limits = Of(context);
        return RateLimitPartition.GetTokenBucketLimiter(CallerOf(context), _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = limits.RequestBurst,
            TokensPerPeriod = limits.RequestsPerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        });
    }

    private static RateLimitPartition<string> PerAddress(HttpContext context, string what, int perMinute) =>
        RateLimitPartition.GetSlidingWindowLimiter($"{what}:{AddressOf(context)}", _ => new SlidingWindowRateLimiterOptions
        {
            PermitLimit = perMinute,
            Window = TimeSpan.FromMinutes(1),
            SegmentsPerWindow = 6,
            QueueLimit = 0,
        });

    private static string CallerOf(HttpContext context) => context.User.FindFirstValue(Claims.Subject) ?? AddressOf(context);

    /// <summary>An IPv6 address counts as its network: whoever has one has 2^64 of them.</summary>
    private static string AddressOf(HttpContext context) => context.Connection.RemoteIpAddress switch
    {
        null => "unknown",
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } address => Convert.ToHexString(address.GetAddressBytes(), 0, 8),
        var address => address.ToString(),
    };

    private static LimitOptions Of(HttpContext context) =>
        context.RequestServices.GetRequiredService<IOptions<GatewayOptions>>().Value.Limits;

    private static async ValueTask RejectAsync(OnRejectedContext context, CancellationToken cancellationToken)
    {
        var wait = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1);
        var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
        context.HttpContext.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        await Problems.Of(StatusCodes.Status429TooManyRequests, "too_many_requests", $"Ask again in {seconds} s.").ExecuteAsync(context.HttpContext);
    }
}
