using Steersman.BlazorClient.Contract.Deltas;
using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Contract.Answers;

/// <summary>Some of many, newest first. <c>NextCursor</c> null: these were the last.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor = null);

/// <summary>Part of a log. Go on after <c>NextAfter</c>; <c>Final</c>: nothing will follow.</summary>
public sealed record EventPage(IReadOnlyList<TaskEvent> Events, long NextAfter, bool Final);

/// <summary>What a watched task had to tell since the last batch.</summary>
public sealed record WatchBatch(IReadOnlyList<TaskEvent>? Events = null, IReadOnlyList<Delta>? Deltas = null)
{
    public IReadOnlyList<TaskEvent> Events { get; init; } = Events ?? [];

    public IReadOnlyList<Delta> Deltas { get; init; } = Deltas ?? [];
}
