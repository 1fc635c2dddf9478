namespace Steersman.BlazorClient.Contract.Events;

/// <summary>The agent needs an answer of a person; the next message is it.</summary>
public sealed record QuestionAsked(string ActionId, string Question) : TaskEvent;

/// <summary>A person said something to the task.</summary>
public sealed record MessageAdded(string MessageId, string Text, string AuthorId) : TaskEvent;

/// <summary>A command found nothing to do.</summary>
public sealed record CommandRefused(string Code) : TaskEvent;
