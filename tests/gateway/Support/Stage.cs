using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A gateway and a person who has signed in there.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private readonly List<Viewer> _viewers = [];
    private readonly List<PlayedAgent> _agents = [];

    private Stage(TestGateway gateway, Browser browser, Guid owner) => (Gateway, Browser, Owner) = (gateway, browser, owner);

    /// <summary>How long a test waits for what must come.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(30);

    public TestGateway Gateway { get; }

    public Browser Browser { get; }

    public Guid Owner { get; }

    public Uri Url => Gateway.Url;

    public T Service<T>() where T : notnull => Gateway.Services.GetRequiredService<T>();

    public static async Task<Stage> SetAsync(
        PostgresServer postgres, IReadOnlyDictionary<string, string?>? more = null, Action<IServiceCollection>? configure = null, string? database = null)
    {
        var settings = PlayedAgent.Settings.Concat(more ?? new Dictionary<string, string?>()).ToDictionary();
        var gateway = await TestGateway.StartAsync(postgres, settings, database, configure);
        var browser = await gateway.SignInAsync();
        var me = await (await browser.GetAsync("/api/me")).Content.ReadFromJsonAsync<JsonElement>();
        return new Stage(gateway, browser, me.GetProperty("user_id").GetGuid());
    }

    public async Task<Viewer> ViewerAsync()
    {
        _viewers.Add(await Viewer.ConnectAsync(Url, Browser));
        return _viewers[^1];
    }

    public async Task<PlayedAgent> AgentAsync(PlayedAgent? replicaOf = null, PlayedLogs? logs = null, Action<PlayedAgent>? before = null)
    {
        _agents.Add(await PlayedAgent.StartAsync(Url, replicaOf, logs, before));
        return _agents[^1];
    }

    /// <summary>Send everybody away.</summary>
    public async Task DismissAsync()
    {
        foreach (var viewer in _viewers)
        {
            await viewer.DisposeAsync();
        }
        foreach (var agent in _agents)
        {
            await agent.DisposeAsync();
        }
        _viewers.Clear();
        _agents.Clear();
        var agents = Service<AgentDirectory>();
        await Until.TrueAsync(() => agents.IsEmpty);
    }

    public async ValueTask DisposeAsync()
    {
        await DismissAsync();
        Browser.Dispose();
        await Gateway.DisposeAsync();
    }
}
