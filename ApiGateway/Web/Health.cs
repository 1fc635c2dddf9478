using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using StackExchange.Redis;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Web;

/// <summary>How the gateway is. Only its database makes it unready: agents wait for the gateway, so it cannot wait for them.</summary>
internal static class Health
{
    private const string Ready = "ready";

    public static void AddHealth(this WebApplicationBuilder builder) =>
        builder.Services.AddHealthChecks()
            .AddCheck<DatabaseCheck>("database", tags: [Ready])
            .AddCheck<RedisCheck>("redis")
            .AddCheck<AgentsCheck>("agents");

    public static void MapHealth(this WebApplication app)
    {
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false, ResponseWriter = WriteAsync }).AllowAnonymous();
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { ResponseWriter = WriteAsync }).AllowAnonymous();
    }

    private static Task WriteAsync(HttpContext context, HealthReport report) => context.Response.WriteAsJsonAsync(new
    {
        status = Word(report.Status),
        checks = report.Entries.ToDictionary(entry => entry.Key, entry => new { status = Word(entry.Value.Status), detail = entry.Value.Description }),
    });

    private static string Word(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "ok",
        HealthStatus.Degraded => "degraded",
        _ => "unavailable",
    };
}

internal sealed class DatabaseCheck(StorageGate gate, GatewayDb db) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!gate.IsOpen)
        {
            return HealthCheckResult.Unhealthy("The tables are not there yet.");
        }
        return await db.Database.CanConnectAsync(cancellationToken)
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy("PostgreSQL does not answer.");
    }
}

internal sealed class RedisCheck(IServiceProvider services) : IHealthCheck
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (services.GetService<RedisLine>() is not { } line)
        {
            return HealthCheckResult.Healthy("None is set: each replica keeps copies of its own.");
        }
        try
        {
            await (await line.ConnectAsync()).GetDatabase().PingAsync().WaitAsync(s_patience, cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception error) when (error is RedisException or TimeoutException)
        {
            return HealthCheckResult.Degraded("Redis does not answer: each replica keeps copies of its own.");
        }
    }
}

internal sealed class AgentsCheck(AgentDirectory agents, Fleet fleet) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult((agents.IsEmpty, fleet.OtherAddresses.Any()) switch
        {
            (false, _) => HealthCheckResult.Healthy(),
            (true, true) => HealthCheckResult.Healthy("No agent has dialled this replica; those of the others are asked."),
            _ => HealthCheckResult.Degraded("No agent has dialled a replica."),
        });
}
