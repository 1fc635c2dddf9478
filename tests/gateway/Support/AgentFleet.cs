namespace Steersman.ApiGateway.Tests.Support;

/// <summary>Real agents of one home. Whatever becomes of a test, none of them stays.</summary>
internal sealed class AgentFleet : IAsyncDisposable
{
    private readonly Queue<RealAgent> _agents = new();
    private readonly Uri _gateway;
    private readonly AgentHome _home;

    public AgentFleet(Uri gateway, AgentHome home, int agents)
    {
        (_gateway, _home) = (gateway, home);
        for (var n = 0; n < agents; n++)
        {
            _agents.Enqueue(RealAgent.Start(gateway, home));
        }
    }

    /// <summary>Start another one, and kill the oldest.</summary>
    public Task KillOneAsync()
    {
        _agents.Enqueue(RealAgent.Start(_gateway, _home));
        return _agents.Dequeue().KillAsync();
    }

    public async ValueTask DisposeAsync()
    {
        while (_agents.TryDequeue(out var agent))
        {
            await agent.DisposeAsync();
        }
    }
}
