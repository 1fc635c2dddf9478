using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steersman.ApiGateway.Agents;

// What agents and the gateway say to each other (docs/bridge.md). Readers ignore what they do not know.

/// <summary>The first thing that an agent says. <c>Url</c>: where its REST API is reached, if at all.</summary>
internal sealed record AgentHello(
    string WorkerId, string Version, int ContractVersion, IReadOnlyList<string> Roles, int Capacity, Uri? Url = null);

internal sealed record AgentWelcome(string ConnectionId, int MaxBatchBytes, int HeartbeatSeconds);

internal sealed record AgentStatus([property: JsonPropertyName("agent_status")] string State, int Capacity, IReadOnlyList<Guid> ActiveTasks);

/// <summary>What one push has for one subscription.</summary>
internal sealed record EventBatch(
    Guid SubscriptionId, IReadOnlyList<LogEvent>? Events = null, IReadOnlyList<JsonElement>? Deltas = null, IReadOnlyList<LogView>? Views = null);

/// <summary><c>AckedSeq</c> is the last event that is here; <c>Stop</c> ends the subscription.</summary>
internal sealed record PushAck(Guid SubscriptionId, long AckedSeq, bool Stop);

/// <summary>Why a subscription cannot go on at an agent.</summary>
internal sealed record WatchEnd(Guid SubscriptionId, int Status, string Code, string Detail);

internal sealed record WatchRequest(Guid SubscriptionId, Guid TaskId, long After, string Token);

internal sealed record WatchOwnerRequest(Guid SubscriptionId, string Token);

internal sealed record UnwatchRequest(Guid SubscriptionId);

internal sealed record WatchAnswer(int Status, string? Code = null, string? Detail = null);

internal sealed record ExecuteRequest(JsonElement Command, string Token);

/// <summary>What the gateway asks of an agent.</summary>
internal interface IAgentClient
{
    Task<WatchAnswer> Watch(WatchRequest request, CancellationToken cancellationToken);

    Task<WatchAnswer> WatchOwner(WatchOwnerRequest request, CancellationToken cancellationToken);

    Task<JsonElement?> Execute(ExecuteRequest request, CancellationToken cancellationToken);

    Task Unwatch(UnwatchRequest request, CancellationToken cancellationToken);
}
