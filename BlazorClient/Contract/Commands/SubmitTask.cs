using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Commands;

/// <summary>Have something done. What is left out is the deployment's default.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SubmitTask(
    string Goal,
    string? Role = null,
    string? ConversationId = null,
    string? Workspace = null,
    LimitsBody? Limits = null,
    OnBusy? OnBusy = null) : Command;

/// <summary>Limits that differ from the role's.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record LimitsBody(
    int? MaxSteps = null,
    long? MaxTokens = null,
    double? MaxCostUsd = null,
    double? MaxSeconds = null,
    int? MaxChildren = null,
    int? MaxDepth = null);

/// <summary>What becomes of a task whose conversation has one already.</summary>
[JsonConverter(typeof(SnakeCaseConverter<OnBusy>))]
public enum OnBusy
{
    Enqueue,
    Reject,
    Interrupt,
}
