namespace Steersman.ApiGateway.Agents;

/// <summary>All agents of all replicas: those that are connected here as they are now, the others as their replicas last said.</summary>
internal sealed class Fleet(AgentDirectory agents, Replica replica)
{
    private IReadOnlyList<FleetMember> _others = [];

    /// <summary>Those who have dialled this replica, each once.</summary>
    public IReadOnlyList<FleetMember> Own =>
        [.. agents.All.GroupBy(agent => agent.Hello.WorkerId, StringComparer.Ordinal)
            .Select(same => FleetMember.Of(same.MaxBy(agent => agent.SeenAt) ?? same.First(), replica))];

    public IEnumerable<FleetMember> All => Own.Concat(Volatile.Read(ref _others));

    /// <summary>Where the agents of other replicas are reached.</summary>
    public IEnumerable<Uri> OtherAddresses =>
        Volatile.Read(ref _others).Select(member => member.Url).OfType<string>().Distinct(StringComparer.Ordinal).Select(url => new Uri(url));

    public void NoteOthers(IReadOnlyList<FleetMember> others) => Volatile.Write(ref _others, others);
}
