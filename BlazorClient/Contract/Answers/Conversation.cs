namespace Steersman.BlazorClient.Contract.Answers;

/// <summary>Tasks that follow each other. <c>ActiveTaskId</c>: the one that is worked on, or waits.</summary>
/// <remarks><c>TaskCount</c> counts the tasks that were asked for, not those that they gave to others.</remarks>
public sealed record Conversation(
    string ConversationId,
    bool Archived,
    int TaskCount,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    string? Title = null,
    string? ActiveTaskId = null);
