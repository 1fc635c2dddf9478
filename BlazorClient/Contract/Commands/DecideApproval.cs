using System.Text.Json;
using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Commands;

/// <summary>Approve or refuse an action. <c>Arguments</c> replace those that were shown, if it is approved.</summary>
/// <remarks><c>ArgumentsSha256</c> is the one that was shown with the approval; clients do not compute it.</remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DecideApproval(
    string ApprovalId,
    Verdict Decision,
    string ArgumentsSha256,
    JsonElement? Arguments = null,
    string? Reason = null,
    string? Remember = null) : Command;

[JsonConverter(typeof(SnakeCaseConverter<Verdict>))]
public enum Verdict
{
    Approve,
    Reject,
}
