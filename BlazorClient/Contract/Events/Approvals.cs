using System.Text.Json;
using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Events;

/// <summary>An action waits for a person. The hash is of the whole arguments, long strings included.</summary>
public sealed record ApprovalRequested(
    string ApprovalId,
    string ActionId,
    string Tool,
    JsonElement Arguments,
    string ArgumentsSha256,
    string Reason,
    DateTimeOffset ExpiresAt) : TaskEvent;

/// <summary>An approval was given, refused or left until it expired.</summary>
/// <remarks>
/// The hash is of the arguments that will run; <c>Arguments</c> are those where a person edited them.
/// <c>Remember</c> says where the decision holds from now on: <c>conversation</c>.
/// </remarks>
public sealed record ApprovalDecided(
    string ApprovalId,
    string ActionId,
    ApprovalDecision Decision,
    string DecidedBy,
    string ArgumentsSha256,
    string? Reason = null,
    JsonElement? Arguments = null,
    string? Remember = null) : TaskEvent;

[JsonConverter(typeof(SnakeCaseConverter<ApprovalDecision>))]
public enum ApprovalDecision
{
    Approved,
    Rejected,
    Expired,
}
