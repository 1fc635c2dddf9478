using Microsoft.AspNetCore.SignalR;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

internal static class LiveSetup
{
    private const long MaxAgentMessage = 256 * 1024;
    private const long MaxPersonMessage = 64 * 1024;
    private static readonly TimeSpan s_connectTime = TimeSpan.FromSeconds(3);

    /// <summary>Everything live: the two hubs, and the relays between them.</summary>
    public static void AddLive(this WebApplicationBuilder builder)
    {
        AddHubs(builder.Services);
        AddRelays(builder.Services);
        AddAgentClient(builder.Services);
    }

    public static void MapHubs(this WebApplication app)
    {
        app.MapHub<ChatHub>("/hubs/chat", options => options.CloseOnAuthenticationExpiration = true);
        app.MapHub<AgentHub>("/hubs/agent", options => options.CloseOnAuthenticationExpiration = true);
    }

    private static void AddHubs(IServiceCollection services)
    {
        services.AddSignalR(options =>
            {
                options.EnableDetailedErrors = false;
                options.KeepAliveInterval = TimeSpan.FromSeconds(10);
                options.ClientTimeoutInterval = TimeSpan.FromSeconds(30);
            })
            .AddJsonProtocol(options => HubJson.Apply(options.PayloadSerializerOptions))
            .AddHubOptions<AgentHub>(options =>
            {
                options.MaximumReceiveMessageSize = MaxAgentMessage;
                options.MaximumParallelInvocationsPerClient = 1; // what an agent sends is taken in its order
            })
            .AddHubOptions<ChatHub>(options =>
            {
                options.MaximumReceiveMessageSize = MaxPersonMessage;
                options.MaximumParallelInvocationsPerClient = 8;
                options.AddFilter<PeopleFilter>();
            });
        services.AddSingleton<PeopleFilter>();
        services.AddSingleton<PeopleConnections>();
        services.AddHostedService(provider => provider.GetRequiredService<PeopleConnections>());
    }

    private static void AddRelays(IServiceCollection services)
    {
        services.AddSingleton<AgentDirectory>();
        services.AddSingleton<AgentConnections>();
        services.AddSingleton<AgentLine>();
        services.AddSingleton<Subscriptions>();
        services.AddSingleton<BridgeSource>();
        services.AddSingleton<StreamSource>();
        services.AddSingleton<LiveSource>();
        services.AddSingleton<TaskRelays>();
        services.AddSingleton<OwnerSource>();
        services.AddSingleton<OwnerRelays>();
        services.AddSingleton<AgentCommands>();
    }

    private static void AddAgentClient(IServiceCollection services)
    {
        services.AddSingleton<AgentSocket>();
        services.AddSingleton<AgentApi>();
        services.AddSingleton<AgentLog>();
        services.AddHttpClient(AgentApi.ClientName, client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { ConnectTimeout = s_connectTime, AllowAutoRedirect = false, UseCookies = false });
    }
}
