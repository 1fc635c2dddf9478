using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Events;

/// <summary>The intent, committed before an effect that a crash could leave half known.</summary>
public sealed record ActionStarted(string ActionId, string Tool, Effect Effect, string Key) : TaskEvent;

/// <summary>What a tool does to the world, which decides what a crash in the middle of it means.</summary>
[JsonConverter(typeof(SnakeCaseConverter<Effect>))]
public enum Effect
{
    Pure,
    Transactional,
    Idempotent,
    Keyed,
    Unsafe,
}

/// <summary>How an action ended. Every action of a thought gets exactly one.</summary>
public interface IOutcome
{
    string ActionId { get; }

    string Tool { get; }

    string Output { get; }
}

/// <summary>The tool did its work. A command's exit code other than 0 is a success with that code.</summary>
/// <remarks><c>OutputBytes</c> counts the whole output, of which <c>Output</c> is kept.</remarks>
public sealed record ActionSucceeded(
    string ActionId,
    string Tool,
    string Output,
    long OutputBytes,
    bool Truncated = false,
    string? Artifact = null,
    int? ExitCode = null,
    long DurationMs = 0) : TaskEvent, IOutcome;

/// <summary>The tool did not do its work; <c>Error</c> is the stable code of the reason.</summary>
public sealed record ActionFailed(
    string ActionId,
    string Tool,
    string Output,
    long OutputBytes,
    string Error,
    bool Truncated = false,
    string? Artifact = null,
    int? ExitCode = null,
    long DurationMs = 0) : TaskEvent, IOutcome;

/// <summary>The action was cut. After <c>OutcomeUnknown</c> nobody knows whether it took effect.</summary>
public sealed record ActionInterrupted(
    string ActionId,
    string Tool,
    InterruptionReason Reason,
    string Output = "") : TaskEvent, IOutcome;

[JsonConverter(typeof(SnakeCaseConverter<InterruptionReason>))]
public enum InterruptionReason
{
    Stopped,
    Shutdown,
    OutcomeUnknown,
}
