using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Events;

/// <summary>The agent's plan, as it is from now on.</summary>
public sealed record PlanUpdated(IReadOnlyList<PlanItem> Items) : TaskEvent;

/// <summary>One line of a plan: <c>pending</c>, <c>in_progress</c>, <c>done</c> or <c>dropped</c>.</summary>
public sealed record PlanItem(string Text, string State = "pending");

/// <summary>Another role gets a part of the work, as a task of its own with limits out of its parent's.</summary>
public sealed record ChildDelegated(
    string ActionId,
    string ChildId,
    string Role,
    string Goal,
    ChildWorkspace Workspace,
    Limits Limits) : TaskEvent;

/// <summary>Whether a child works on its parent's files or on a copy of them.</summary>
[JsonConverter(typeof(SnakeCaseConverter<ChildWorkspace>))]
public enum ChildWorkspace
{
    Shared,
    Fork,
}

/// <summary>Nothing more is done until one of these children has ended, or all of them.</summary>
public sealed record WaitStarted(string ActionId, IReadOnlyList<string> ChildIds, WaitUntil Until) : TaskEvent;

[JsonConverter(typeof(SnakeCaseConverter<WaitUntil>))]
public enum WaitUntil
{
    All,
    Any,
}

/// <summary>A child has ended. <c>Result</c> is what it says of it; <c>Spent</c> counts towards its parent's limits.</summary>
public sealed record ChildFinished(string ChildId, ChildState State, string Result, Spent Spent) : TaskEvent;

/// <summary>How a child stands, as its parent knows it.</summary>
[JsonConverter(typeof(OpenWordConverter<ChildState>))]
public readonly record struct ChildState(string Value) : IOpenWord<ChildState>
{
    /// <summary>Its end has not been reported; whether it runs is in its own view.</summary>
    public static ChildState Delegated { get; } = new("delegated");

    public static ChildState Completed { get; } = new("completed");

    public static ChildState Failed { get; } = new("failed");

    public static ChildState Stopped { get; } = new("stopped");

    public static ChildState Named(string value) => new(value);

    public override string ToString() => Value;
}
