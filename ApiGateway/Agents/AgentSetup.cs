using Microsoft.AspNetCore.Authentication.JwtBearer;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Agents;

internal static class AgentSetup
{
    public static void AddAgents(this WebApplicationBuilder builder)
    {
        builder.Services.AddScoped<AgentKeys>();
        builder.Services.AddSingleton<AgentRevocations>();
        builder.Services.AddSingleton(Replica.New());
        builder.Services.AddSingleton<Fleet>();
        builder.Services.AddHostedService<FleetReport>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<AgentConnections>());
        builder.Services.AddOptions<JwtBearerOptions>(Schemes.Agent).PostConfigure(options => options.Events.OnTokenValidated = RefuseRevokedAsync);
    }

    private static async Task RefuseRevokedAsync(TokenValidatedContext context)
    {
        var keys = context.HttpContext.RequestServices.GetRequiredService<AgentKeys>();
        var agent = context.Principal?.FindFirst(Claims.Subject)?.Value ?? "";
        if (!await keys.IsCurrentAsync(agent, context.HttpContext.RequestAborted))
        {
            context.Fail("The agent's key was revoked.");
        }
    }
}
