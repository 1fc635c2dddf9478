using System.Collections.Immutable;
using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Contract.Views;

/// <summary>What decides whether a task waits for those that it has delegated.</summary>
internal sealed record TeamMemory
{
    // A reply without a call is answered by a nudge; so many in a row are the result.
    private const int TextsThatEnd = 2;

    // A view stays small; all children are in the tree.
    private const int MostShown = 24;

    public static TeamMemory Empty { get; } = new();

    public IReadOnlyList<Child> Shown => [.. Children.TakeLast(MostShown).Select(one => one.Child)];

    private ImmutableList<Reserving> Children { get; init; } = [];

    /// <summary>The action that waits for children.</summary>
    private string? Wait { get; init; }

    /// <summary>A view says that its task waits for children, and not why.</summary>
    private bool WaitsSomehow { get; init; }

    private bool IsStopping { get; init; }

    private int TextsWithoutCall { get; init; }

    /// <summary>Returns what can be told from a view that a server made.</summary>
    /// <remarks>
    /// Not in a view are: the limits of children, so what they may spend does not make the task wait; a text that was the
    /// last reply, so that a second one seems to be the first; children that are not among the newest; and which of its
    /// reasons a task has that waits for children. Then it waits until the wait's outcome, until all children that
    /// are known have ended, or until it is seen to go on, whichever is first.
    /// </remarks>
    public static TeamMemory Told(TaskView view) => new()
    {
        Children = [.. view.Children.Select(child => new Reserving(child, null))],
        WaitsSomehow = view.WaitingFor.Contains(Blocker.Child),
    };

    public TeamMemory After(TaskEvent fact) => fact switch
    {
        ChildDelegated delegated => GoesOn() with { Children = Children.Add(Delegated(delegated)) },
        ChildFinished finished => Finished(finished),
        WaitStarted started => GoesOn() with { Wait = started.ActionId },
        IOutcome outcome => Outcome(outcome),
        ThoughtRecorded thought => Thought(thought),
        ModelCallFailed => GoesOn(),
        MessageAdded => TextsWithoutCall == 0 ? this : this with { TextsWithoutCall = 0 },
        StopRequested => this with { IsStopping = true },
        FinalEvent => GoesOn() with { Wait = null },
        _ => this,
    };

    /// <summary>Says whether the task goes on only when children have ended.</summary>
    public bool Blocks(Limits limits, Spent spent)
    {
        if (Wait is not null)
        {
            return true;
        }
        Reserving[] living = [.. Children.Where(one => one.Child.IsLive)];
        var reserved = Spent.AtMost([.. living.Select(one => one.Limits).OfType<Limits>()]);
        // No task ends before its children, nor begins anything with what they may still spend.
        return living.Length > 0
            && (WaitsSomehow
                || IsStopping
                || TextsWithoutCall >= TextsThatEnd
                || limits.AreUsedUpBy(spent.Plus(reserved)));
    }

    private static Reserving Delegated(ChildDelegated delegated) =>
        new(new(delegated.ChildId, delegated.Role, ChildState.Delegated), delegated.Limits);

    private TeamMemory Finished(ChildFinished finished) => this with
    {
        Children = Children.ConvertAll(one => one.Child.TaskId == finished.ChildId
            ? one with { Child = one.Child with { State = finished.State } }
            : one),
        TextsWithoutCall = 0,
    };

    // A wait that is interrupted is a task's that is stopping, which waits for the ends of its children.
    private TeamMemory Outcome(IOutcome outcome) => outcome switch
    {
        _ when outcome.ActionId == Wait => this with { Wait = null },
        { Tool: "wait_for_tasks" } and not ActionInterrupted => GoesOn(),
        _ => this,
    };

    private TeamMemory Thought(ThoughtRecorded thought) => thought switch
    {
        { Interrupted: true } => GoesOn(),
        { Actions.Count: 0 } => GoesOn() with { TextsWithoutCall = TextsWithoutCall + 1 },
        _ when TextsWithoutCall > 0 => GoesOn() with { TextsWithoutCall = 0 },
        _ => GoesOn(),
    };

    // Who waits asks no model and delegates nothing.
    private TeamMemory GoesOn() => WaitsSomehow ? this with { WaitsSomehow = false } : this;

    /// <summary>A child, and what it may spend until it has ended.</summary>
    private sealed record Reserving(Child Child, Limits? Limits);
}
