using System.Collections.Concurrent;

namespace Steersman.ApiGateway.Agents;

/// <summary>An agent process that is connected to this replica. Replaced, never changed.</summary>
internal sealed record ConnectedAgent(string ConnectionId, string Name, AgentHello Hello, AgentStatus Status, DateTimeOffset SeenAt)
{
    private static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(15);

    public double Load => Status.Capacity == 0 ? 1 : (double)Status.ActiveTasks.Count / Status.Capacity;

    public bool Runs(Guid taskId) => Status.ActiveTasks.Contains(taskId);

    /// <summary>Its last heartbeat is older than it should be: it may hang.</summary>
    public bool IsStale(DateTimeOffset now) => SeenAt + s_fresh < now;
}

/// <summary>The agents that are connected to this replica.</summary>
internal sealed class AgentDirectory(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, ConnectedAgent> _agents = new();
    private TaskCompletionSource _change = NewChange();

    public IReadOnlyCollection<ConnectedAgent> All => [.. _agents.Values];

    public bool IsEmpty => _agents.IsEmpty;

    /// <summary>Completes when an agent comes, goes, or begins or gives away a task. Take it before looking.</summary>
    public Task NextChange => Volatile.Read(ref _change).Task;

    public void Add(string connectionId, string name, AgentHello hello)
    {
        var status = new AgentStatus("IDLE", hello.Capacity, []);
        _agents[connectionId] = new ConnectedAgent(connectionId, name, hello, status, time.GetUtcNow());
        NoteChange();
    }

    public void Remove(string connectionId)
    {
        if (_agents.TryRemove(connectionId, out _))
        {
            NoteChange();
        }
    }

    public void Note(string connectionId, AgentStatus status)
    {
        // One who hangs up while its heartbeat is on the way must not come back by it.
        if (!_agents.TryGetValue(connectionId, out var before))
        {
            return;
        }
        var after = before with { Status = status, SeenAt = time.GetUtcNow() };
        if (_agents.TryUpdate(connectionId, after, before) && !before.Status.ActiveTasks.Order().SequenceEqual(status.ActiveTasks.Order()))
        {
            NoteChange();
        }
    }

    public bool Contains(string connectionId) => _agents.ContainsKey(connectionId);

    public bool Runs(string connectionId, Guid taskId) => _agents.TryGetValue(connectionId, out var agent) && agent.Runs(taskId);

    /// <summary>
    /// The agent to ask about a task: the one that runs it, else the least loaded; those that may hang come last.
    /// Null when nobody but <paramref name="except"/> is here.
    /// </summary>
    public ConnectedAgent? Pick(Guid? taskId, IReadOnlySet<string>? except = null)
    {
        var now = time.GetUtcNow();
        return _agents.Values
            .Where(agent => except?.Contains(agent.ConnectionId) != true)
            .OrderBy(agent => agent.IsStale(now))
            .ThenBy(agent => taskId is not { } id || !agent.Runs(id))
            .ThenBy(agent => agent.Load)
            .ThenBy(agent => agent.ConnectionId, StringComparer.Ordinal)
            .FirstOrDefault();
    }

    private void NoteChange() => Interlocked.Exchange(ref _change, NewChange()).TrySetResult();

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
