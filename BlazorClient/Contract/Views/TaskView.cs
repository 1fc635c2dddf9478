using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Events;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Views;

/// <summary>A task as of event <c>Seq</c>. Long texts are cut; the log has them whole.</summary>
public sealed record TaskView
{
    public required string TaskId { get; init; }

    public required string RootId { get; init; }

    public string? ParentId { get; init; }

    public required string ConversationId { get; init; }

    public required string OwnerId { get; init; }

    public required string Role { get; init; }

    public required string Goal { get; init; }

    public required TaskPhase State { get; init; }

    /// <summary>What stands in the way, in the order in which it is shown.</summary>
    public required IReadOnlyList<Blocker> WaitingFor { get; init; }

    public required long Seq { get; init; }

    public required int Epoch { get; init; }

    public required int Step { get; init; }

    public string? Result { get; init; }

    public TaskError? Error { get; init; }

    public required IReadOnlyList<PlanItem> Plan { get; init; }

    /// <summary>The newest of the tasks that it has delegated; all of them are in the tree.</summary>
    public required IReadOnlyList<Child> Children { get; init; }

    public required IReadOnlyList<PendingApproval> PendingApprovals { get; init; }

    public string? Question { get; init; }

    public required Limits Limits { get; init; }

    public required Spent Spent { get; init; }

    public required string Workspace { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Of everything that the store keeps of the task; a fold does not know it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SizeBytes { get; init; }

    /// <summary>Whether nothing will happen to the task any more.</summary>
    [JsonIgnore]
    public bool IsFinal => State is TaskPhase.Completed or TaskPhase.Failed or TaskPhase.Stopped;

    /// <summary>What the fold must know beside what is shown; null in a view that a server made.</summary>
    [JsonIgnore]
    internal FoldMemory? Memory { get; init; }
}

/// <summary>Why a task failed.</summary>
public sealed record TaskError(string Code, string? Message = null);

/// <summary>A task that this one has delegated.</summary>
public sealed record Child(string TaskId, string Role, ChildState State)
{
    /// <summary>Whether its end has not been reported yet.</summary>
    [JsonIgnore]
    public bool IsLive => State == ChildState.Delegated;
}

/// <summary>An action that waits for a person until <c>ExpiresAt</c>. Its arguments are in the log and in the approval.</summary>
public sealed record PendingApproval(
    string ApprovalId,
    string ActionId,
    string Tool,
    string ArgumentsSha256,
    string Reason,
    DateTimeOffset ExpiresAt);

[JsonConverter(typeof(SnakeCaseConverter<TaskPhase>))]
public enum TaskPhase
{
    Queued,
    Running,
    Waiting,
    Completed,
    Failed,
    Stopped,
}
