using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Contract.Views;

/// <summary>The fold: how each event changes the view, exactly as in the agent. Pure.</summary>
public static class TaskFold
{
    /// <summary>Folds a whole log, or as much of it as follows without a gap.</summary>
    public static TaskView Fold(IEnumerable<TaskEvent> log)
    {
        TaskView? view = null;
        foreach (var fact in log)
        {
            view = view is null ? Begin(fact) : Apply(view, fact).View;
        }
        return view ?? throw new ArgumentException("A log holds at least one event.", nameof(log));
    }

    /// <summary>Returns the view after the first event of a log.</summary>
    public static TaskView Begin(TaskEvent first) => first is TaskSubmitted submitted
        ? Submitted(submitted)
        : throw new ArgumentException($"A log begins with task_submitted, not with {first.Type}.", nameof(first));

    /// <summary>Returns the view after one more event, and says whether that event was the next one.</summary>
    public static Folded Apply(TaskView view, TaskEvent next)
    {
        if (next.TaskId != view.TaskId)
        {
            throw new ArgumentException($"An event of {next.TaskId} is none of {view.TaskId}.", nameof(next));
        }
        if (next.Seq <= view.Seq)
        {
            return new(view, FoldStep.Known);
        }
        return next.Seq == view.Seq + 1 ? new(Follow(view, next), FoldStep.Applied) : new(view, FoldStep.Gap);
    }

    private static TaskView Submitted(TaskSubmitted first) => new()
    {
        TaskId = first.TaskId,
        RootId = first.RootId,
        ParentId = first.ParentId,
        ConversationId = first.ConversationId,
        OwnerId = first.OwnerId,
        Role = first.Role,
        Goal = ShownText.Cut(first.Goal),
        State = TaskPhase.Queued,
        WaitingFor = [],
        Seq = first.Seq,
        Epoch = first.Epoch,
        Step = 0,
        Plan = [],
        Children = [],
        PendingApprovals = [],
        Limits = first.Limits,
        Spent = new(),
        Workspace = first.Workspace,
        CreatedAt = first.At,
        UpdatedAt = first.At,
        Memory = FoldMemory.Empty,
    };

    private static TaskView Follow(TaskView view, TaskEvent next)
    {
        var memory = FoldMemory.Of(view);
        // A new epoch means that the task has changed hands; nobody held it in between.
        var atWork = view.State is TaskPhase.Running || memory.IsAtWork(view.Epoch);
        var held = atWork && next.Epoch == view.Epoch ? next.At - view.UpdatedAt : TimeSpan.Zero;
        var changed = Changes.Of(view with { Memory = memory }, next);
        // The clocks of two workers may differ.
        var spent = held > TimeSpan.Zero ? changed.Spent.Plus(held) : changed.Spent;
        var settled = Changes.WithChildBlocker(changed with { Spent = spent });
        return settled with
        {
            State = PhaseOf(settled),
            Seq = next.Seq,
            Epoch = next.Epoch,
            UpdatedAt = next.At,
        };
    }

    private static TaskPhase PhaseOf(TaskView view) => view switch
    {
        { IsFinal: true } => view.State,
        { WaitingFor.Count: > 0 } => TaskPhase.Waiting,
        { Memory.IsClaimed: true } => TaskPhase.Running,
        _ => TaskPhase.Queued,
    };
}

/// <summary>A view, and what an event was to it.</summary>
public readonly record struct Folded(TaskView View, FoldStep Step);

/// <summary>What an event was to a view.</summary>
public enum FoldStep
{
    /// <summary>The next one: the view has changed.</summary>
    Applied,

    /// <summary>One that is in the view already.</summary>
    Known,

    /// <summary>One that is ahead: the events before it must be read first. The view has not changed.</summary>
    Gap,
}
