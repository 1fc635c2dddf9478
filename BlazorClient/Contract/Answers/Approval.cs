using System.Text.Json;
using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Answers;

/// <summary>A call that needs a person's yes, and what became of it.</summary>
public sealed record Approval(
    string ApprovalId,
    string TaskId,
    string RootId,
    string Role,
    string Tool,
    JsonElement Arguments,
    string ArgumentsSha256,
    string Reason,
    ApprovalState State,
    DateTimeOffset RequestedAt,
    DateTimeOffset ExpiresAt,
    string? DecidedBy = null,
    DateTimeOffset? DecidedAt = null,
    string? Remember = null);

/// <summary>What became of an approval. <c>Withdrawn</c>: its action ended without a decision.</summary>
[JsonConverter(typeof(OpenWordConverter<ApprovalState>))]
public readonly record struct ApprovalState(string Value) : IOpenWord<ApprovalState>
{
    public static ApprovalState Pending { get; } = new("pending");

    public static ApprovalState Approved { get; } = new("approved");

    public static ApprovalState Rejected { get; } = new("rejected");

    public static ApprovalState Expired { get; } = new("expired");

    public static ApprovalState Withdrawn { get; } = new("withdrawn");

    public static ApprovalState Named(string value) => new(value);

    public override string ToString() => Value;
}
