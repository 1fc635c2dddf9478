using System.Text.Json.Serialization;

namespace Steersman.BlazorClient.Contract.Answers;

/// <summary>What becomes of a command that a hub or a WebSocket took: an <c>answer</c>, or an <c>error</c> that says why not.</summary>
/// <remarks>
/// An answer says that the command is written down, and has the fields of <see cref="TaskAccepted"/>,
/// <see cref="CommandAccepted"/> or <see cref="ApprovalRuled"/>; an error has those of <see cref="Problem"/>.
/// </remarks>
public sealed record CommandReply(
    string Type,
    int Status,
    string? CommandId = null,
    string? TaskId = null,
    string? ConversationId = null,
    string? ApprovalId = null,
    long? Seq = null,
    string? State = null,
    string? Code = null,
    string? Detail = null,
    IReadOnlyList<FieldProblem>? Errors = null)
{
    [JsonIgnore]
    public bool IsAccepted => Type == "answer";
}
