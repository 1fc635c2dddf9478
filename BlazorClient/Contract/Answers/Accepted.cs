using Steersman.BlazorClient.Contract.Views;

namespace Steersman.BlazorClient.Contract.Answers;

/// <summary>The task is written down.</summary>
public sealed record TaskAccepted(string TaskId, string ConversationId, long Seq, TaskPhase State);

/// <summary>The command is written down; the event with its <c>CommandId</c> says what became of it.</summary>
public sealed record CommandAccepted(string CommandId, TaskPhase State);

/// <summary>The decision is taken; the event with its <c>CommandId</c> follows in the task's log.</summary>
public sealed record ApprovalRuled(string CommandId, string ApprovalId, string TaskId, ApprovalState State);
