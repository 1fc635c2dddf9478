namespace Steersman.ApiGateway.Tests.Support;

/// <summary>One gateway for all tests of a class. They come from one address and must not run into each other's limits.</summary>
public sealed class SharedGateway(PostgresServer postgres) : IAsyncLifetime
{
    private TestGateway? _gateway;

    internal PostgresServer Postgres => postgres;

    internal TestGateway Gateway => _gateway ?? throw new InvalidOperationException("It was not started.");

    internal static IReadOnlyDictionary<string, string?> Settings { get; } = new Dictionary<string, string?>(PlayedAgent.Settings)
    {
        ["Gateway:Limits:SignInsPerMinute"] = "10000",
        ["Gateway:Limits:RequestBurst"] = "10000",
    };

    public async ValueTask InitializeAsync() => _gateway = await TestGateway.StartAsync(postgres, Settings);

    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }
    }
}
