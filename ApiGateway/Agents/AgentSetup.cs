namespace Steersman.ApiGateway.Agents;

internal static class AgentSetup
{
    public static void AddAgents(this WebApplicationBuilder builder)
    {
        builder.Services.AddScoped<AgentKeys>();
        builder.Services.AddSingleton<AgentRevocations>();
    }
}
