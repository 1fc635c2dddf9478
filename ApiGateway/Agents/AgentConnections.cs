using System.Collections.Concurrent;

namespace Steersman.ApiGateway.Agents;

/// <summary>Closes the connections of an agent whose key was revoked.</summary>
internal sealed class AgentConnections : IDisposable
{
    private readonly ConcurrentDictionary<string, (string Agent, Action Abort)> _open = new();
    private readonly AgentRevocations _revocations;

    public AgentConnections(AgentRevocations revocations)
    {
        _revocations = revocations;
        _revocations.Revoked += Close;
    }

    public void Add(string connectionId, string agent, Action abort) => _open[connectionId] = (agent, abort);

    public void Remove(string connectionId) => _open.TryRemove(connectionId, out _);

    public void Dispose() => _revocations.Revoked -= Close;

    private void Close(string agent)
    {
        foreach (var connection in _open.Values.Where(connection => connection.Agent == agent))
        {
            connection.Abort();
        }
    }
}
