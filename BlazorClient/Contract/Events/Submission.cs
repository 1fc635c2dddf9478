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
