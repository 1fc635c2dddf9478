using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Contract.Views;

/// <summary>What each event means to a view, but for its place in the log and the time that it took.</summary>
internal static class Changes
{
    public static TaskView Of(TaskView view, TaskEvent fact)
    {
        var changed = OfItself(view, fact);
        var before = MemoryOf(view).Team;
        var team = before.After(fact);
        return ReferenceEquals(team, before)
            ? changed
            : changed with { Children = team.Shown, Memory = MemoryOf(changed) with { Team = team } };
    }

    /// <summary>Says whether the task waits for children, once all is known of the event: the time that it took counts.</summary>
    public static TaskView WithChildBlocker(TaskView view) =>
        view.With(Blocker.Child, MemoryOf(view).Team.Blocks(view.Limits, view.Spent));

    private static TaskView OfItself(TaskView view, TaskEvent fact) => fact switch
    {
        TaskClaimed => Claimed(view),
        ThoughtRecorded thought => Thought(view, thought),
        ModelCallFailed failed => ModelCallFailed(view, failed),
        ApprovalRequested requested => view.WithApprovals([.. view.PendingApprovals, Pending(requested)]),
        ApprovalDecided decided => view.WithApprovals(view.PendingApprovals.Where(one => one.ApprovalId != decided.ApprovalId)),
        ActionStarted started => view with { Memory = MemoryOf(view).With(started.ActionId, started.Epoch) },
        IOutcome outcome => Outcome(view, outcome),
        QuestionAsked asked => (view with { Question = ShownText.Cut(asked.Question) }).With(Blocker.Message, true),
        MessageAdded => (view with { Question = null }).With(Blocker.Message, false).With(Blocker.Retry, false),
        ContextCompacted compacted => view with { Spent = view.Spent.Plus(compacted.Usage) },
        PlanUpdated updated => view with { Plan = [.. updated.Items.Select(Shown)] },
        ChildFinished finished => view with { Spent = view.Spent.Plus(finished.Spent) },
        TaskPaused => view.With(Blocker.Pause, true),
        TaskResumed => view.With(Blocker.Pause, false),
        FinalEvent final => Ended(view, final),
        TaskSubmitted => throw new ArgumentException("task_submitted stands only at the start of a log.", nameof(fact)),
        _ => view, // what is remembered of a team, a stop that is asked for, a refusal, and what a newer agent writes
    };

    private static TaskView Claimed(TaskView view) =>
        (view with { Memory = MemoryOf(view) with { IsClaimed = true } }).With(Blocker.Retry, false);

    private static TaskView Thought(TaskView view, ThoughtRecorded thought)
    {
        var spent = view.Spent.Plus(thought.Usage);
        return thought.Interrupted
            ? view with { Spent = spent }
            : view with
            {
                Step = thought.Step,
                Spent = spent with { Steps = spent.Steps + 1 },
                Memory = MemoryOf(view) with { Begun = FoldMemory.Empty.Begun },
            };
    }

    private static TaskView ModelCallFailed(TaskView view, ModelCallFailed failed)
    {
        var paid = view with { Spent = view.Spent.Plus(failed.Usage) };
        return failed.Code == "shutdown" ? paid : paid.With(Blocker.Retry, failed.RetryAt is not null);
    }

    private static PendingApproval Pending(ApprovalRequested requested) => new(
        requested.ApprovalId,
        requested.ActionId,
        requested.Tool,
        requested.ArgumentsSha256,
        ShownText.CutReason(requested.Reason),
        requested.ExpiresAt);

    private static PlanItem Shown(PlanItem item) => item with { Text = ShownText.CutLine(item.Text) };

    private static TaskView Outcome(TaskView view, IOutcome outcome) =>
        (view with { Memory = MemoryOf(view).Without(outcome.ActionId) })
            .WithApprovals(view.PendingApprovals.Where(one => one.ActionId != outcome.ActionId));

    /// <summary>An ended task waits for nothing.</summary>
    private static TaskView Ended(TaskView view, FinalEvent final)
    {
        var over = view with
        {
            Result = null,
            Error = null,
            Question = null,
            WaitingFor = [.. view.WaitingFor.Where(blocker => blocker == Blocker.Approval)],
        };
        return final switch
        {
            TaskCompleted completed => over with
            {
                State = TaskPhase.Completed,
                Result = ShownText.Cut(completed.Result),
            },
            TaskFailed failed => over with
            {
                State = TaskPhase.Failed,
                Error = new(failed.Code, ShownText.Cut(failed.Message)),
            },
            _ => over with { State = TaskPhase.Stopped },
        };
    }

    private static TaskView WithApprovals(this TaskView view, IEnumerable<PendingApproval> pending)
    {
        PendingApproval[] left = [.. pending];
        return (view with { PendingApprovals = left }).With(Blocker.Approval, left.Length > 0);
    }

    private static TaskView With(this TaskView view, Blocker blocker, bool stands)
    {
        if (view.WaitingFor.Contains(blocker) == stands)
        {
            return view;
        }
        var standing = view.WaitingFor.Where(one => one != blocker);
        return view with { WaitingFor = InOrder(stands ? standing.Append(blocker) : standing) };
    }

    private static Blocker[] InOrder(IEnumerable<Blocker> blockers)
    {
        Blocker[] standing = [.. blockers];
        return [.. Blocker.Shown.Where(standing.Contains), .. standing.Where(one => !Blocker.Shown.Contains(one))];
    }

    private static FoldMemory MemoryOf(TaskView view) => FoldMemory.Of(view);
}
