using System.Text.Json;

namespace Steersman.BlazorClient.Contract.Events;

/// <summary>The model answered. <c>Interrupted</c>: cut by a stop or a message, so it has no actions.</summary>
public sealed record ThoughtRecorded(
    int Step,
    string Text,
    string Model,
    Usage Usage,
    long DurationMs,
    IReadOnlyList<ThoughtAction>? Actions = null,
    bool Interrupted = false) : TaskEvent
{
    public IReadOnlyList<ThoughtAction> Actions { get; init; } = Actions ?? [];
}

/// <summary>One tool call of a thought. The arguments are what the model sent, <c>{}</c> if that was no JSON.</summary>
/// <remarks>The agent calls it <c>Action</c>, which every C# file takes for the delegate.</remarks>
public sealed record ThoughtAction(string ActionId, string Tool, JsonElement Arguments);

/// <summary>The model did not answer usably. <c>RetryAt</c> is set while another try makes sense.</summary>
public sealed record ModelCallFailed(
    int Step,
    string Code,
    string Message,
    Usage Usage,
    DateTimeOffset? RetryAt = null) : TaskEvent;

/// <summary>Prompts show the summary in place of everything up to <c>ThroughSeq</c> from now on.</summary>
public sealed record ContextCompacted(long ThroughSeq, string Summary, Usage Usage) : TaskEvent;

/// <summary>What one model call used. <c>Estimated</c> when the provider did not say.</summary>
public sealed record Usage(
    long InputTokens = 0,
    long OutputTokens = 0,
    long CachedTokens = 0,
    double CostUsd = 0,
    bool Estimated = false);
