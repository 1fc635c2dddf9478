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
    }
}
