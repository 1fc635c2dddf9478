namespace Steersman.BlazorClient.Contract.Events;

/// <summary>Somebody wants something done.</summary>
public sealed record TaskSubmitted(
    string Goal,
    string Role,
    string ConversationId,
    string RootId,
    string OwnerId,
    string Workspace,
    Limits Limits,
    string TeamVersion,
    string? ParentId = null) : TaskEvent;

/// <summary>Bounds of one task. <c>MaxSeconds</c> is time held by a worker; waiting is free.</summary>
public sealed record Limits(
    int MaxSteps = 50,
    long? MaxTokens = null,
    double? MaxCostUsd = null,
    double MaxSeconds = 3600);
