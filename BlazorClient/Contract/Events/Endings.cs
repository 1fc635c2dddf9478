using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Events;

/// <summary>The task is ending; <c>Then</c> is what its end will be.</summary>
public sealed record StopRequested(
    string By,
    string? Reason = null,
    StopEnding Then = StopEnding.Stopped,
    string? Code = null,
    string? Message = null) : TaskEvent;

[JsonConverter(typeof(SnakeCaseConverter<StopEnding>))]
public enum StopEnding
{
    Stopped,
    Failed,
}

/// <summary>After it nothing happens to the task.</summary>
public abstract record FinalEvent : TaskEvent
{
    private protected FinalEvent()
    {
    }
}

/// <summary>The agent finished.</summary>
public sealed record TaskCompleted(string Result) : FinalEvent;

/// <summary>The task cannot go on.</summary>
public sealed record TaskFailed(string Code, string Message) : FinalEvent;

/// <summary>A person stopped the task.</summary>
public sealed record TaskStopped(string By, string? Reason = null) : FinalEvent;
