namespace Steersman.ApiGateway.Tests.Support;

/// <summary>One gateway for the tests of a class that need nothing special of it.</summary>
public sealed class LiveStage(PostgresServer postgres) : IAsyncLifetime
{
    private Stage? _stage;

    internal Stage Stage => _stage ?? throw new InvalidOperationException("The gateway has not started.");

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync(postgres);

    public ValueTask DisposeAsync() => Stage.DisposeAsync();
}

/// <summary>Tests that share a gateway, one after the other; each leaves it empty.</summary>
public abstract class LiveTest(LiveStage live) : IClassFixture<LiveStage>, IAsyncLifetime
{
    private protected Stage Live { get; } = live.Stage;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Live.DismissAsync();
    }
}
