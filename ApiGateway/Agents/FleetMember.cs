namespace Steersman.ApiGateway.Agents;

/// <summary>An agent as the replica says that it has dialled. The table has one row for each agent and replica.</summary>
internal sealed record FleetMember
{
    public required string WorkerId { get; init; }

    /// <summary>Which replica it has dialled.</summary>
    public required string Gateway { get; init; }

    /// <summary>Whose key it has shown.</summary>
    public required string Name { get; init; }

    public required string Version { get; init; }

    public required int ContractVersion { get; init; }

    public required string[] Roles { get; init; }

    public required int Capacity { get; init; }

    /// <summary>IDLE or BUSY.</summary>
    public required string State { get; init; }

    public required Guid[] ActiveTasks { get; init; }

    public string? Url { get; init; }

    public required DateTimeOffset HeartbeatAt { get; init; }

    /// <summary>By the database's clock, which all replicas share.</summary>
    public DateTimeOffset ReportedAt { get; init; }

    public static FleetMember Of(ConnectedAgent agent, Replica replica) => new()
    {
        WorkerId = agent.Hello.WorkerId,
        Gateway = replica.Name,
        Name = agent.Name,
        Version = agent.Hello.Version,
        ContractVersion = agent.Hello.ContractVersion,
        Roles = [.. agent.Hello.Roles],
        Capacity = agent.Status.Capacity,
        State = agent.Status.State,
        ActiveTasks = [.. agent.Status.ActiveTasks],
        Url = agent.Hello.Url?.ToString(),
        HeartbeatAt = agent.SeenAt,
    };
}

/// <summary>This process among those that serve the same users.</summary>
internal sealed record Replica(string Name)
{
    /// <summary>Named after its host, and told apart from others there and from those before it.</summary>
    public static Replica New() => new($"{Environment.MachineName}-{Guid.CreateVersion7().ToString()[^8..]}");
}
