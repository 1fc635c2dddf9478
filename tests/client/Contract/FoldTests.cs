using System.Text.Json;
using Steersman.BlazorClient.Contract.Events;
using Steersman.BlazorClient.Contract.Views;

namespace Steersman.BlazorClient.Tests.Contract;

public sealed class FoldTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    // Limits of children and texts without a call are not in a view: see TeamMemory.
    private static readonly IReadOnlyList<string> TellMore =
    [
        "message_after_a_text_that_waits",
        "text_that_waits_for_a_child",
        "waits_for_money_that_children_may_use",
        "waits_for_steps_that_a_child_may_use",
        "waits_for_time_that_a_child_may_use",
        "waits_for_tokens_that_a_child_may_use",
    ];

    public static TheoryData<string> Logs => [.. Golden.Names("logs", ".jsonl")];

    public static TheoryData<string> LogsThatTellMore => [.. TellMore];

    public static TheoryData<string> LogsThatViewsFollow => [.. Golden.Names("logs", ".jsonl").Except(TellMore)];

    [Theory]
    [MemberData(nameof(Logs))]
    public void A_log_folds_to_its_view(string name)
    {
        var view = TaskFold.Fold(Golden.ReadLog(name));

        Golden.AssertSame(Golden.Read("logs", name + ".view.json"), Golden.WriteWithNulls(view));
    }

    [Theory]
    [MemberData(nameof(Logs))]
    public void A_log_is_written_as_it_was_read(string name)
    {
        foreach (var fact in Golden.ReadLog(name))
        {
            Assert.IsNotType<UnknownEvent>(fact);
            Golden.AssertSame(Golden.Write(fact), Golden.Write(Golden.Parse<TaskEvent>(Golden.Write(fact))));
        }
    }

    [Theory]
    [MemberData(nameof(Logs))]
    public void Every_beginning_of_a_log_folds_and_comes_back_from_json(string name)
    {
        var log = Golden.ReadLog(name);
        var view = TaskFold.Begin(log[0]);
        foreach (var fact in log.Skip(1))
        {
            var folded = TaskFold.Apply(view, fact);
            Assert.Equal(FoldStep.Applied, folded.Step);
            view = folded.View;
            Assert.Equal(fact.Seq, view.Seq);
            Assert.Equal(view.WaitingFor.Count > 0 && !view.IsFinal, view.State is TaskPhase.Waiting);

            var wire = Golden.WriteWithNulls(view);
            Golden.AssertSame(wire, Golden.WriteWithNulls(Golden.Parse<TaskView>(wire)));
        }
    }

    [Theory]
    [MemberData(nameof(Logs))]
    public void Events_that_a_view_has_change_nothing_and_one_that_is_ahead_is_a_gap(string name)
    {
        var log = Golden.ReadLog(name);
        var view = TaskFold.Fold(log);

        Assert.All(log, fact => Assert.Equal(new Folded(view, FoldStep.Known), TaskFold.Apply(view, fact)));

        var ahead = log[^1] with { Seq = view.Seq + 2 };
        Assert.Equal(new Folded(view, FoldStep.Gap), TaskFold.Apply(view, ahead));
    }

    [Fact]
    public void An_unknown_event_moves_the_view_along_and_changes_nothing_else()
    {
        var before = TaskFold.Fold(Golden.ReadLog("question_asked"));
        var json = JsonElement.Parse("""{"type":"weather_changed","sky":"blue"}""");
        var at = before.UpdatedAt.AddSeconds(1);
        var unknown = new UnknownEvent
        {
            Json = json,
            TaskId = before.TaskId,
            Seq = before.Seq + 1,
            At = at,
            Epoch = before.Epoch,
        };

        var folded = TaskFold.Apply(before, unknown);

        Assert.Equal(FoldStep.Applied, folded.Step);
        Golden.AssertSame(
            Golden.Write(before with { Seq = before.Seq + 1, UpdatedAt = at }), Golden.Write(folded.View));
    }

    [Theory]
    [MemberData(nameof(LogsThatViewsFollow))]
    public void A_view_that_came_from_a_server_goes_on_with_the_events_after_it(string name)
    {
        var golden = Golden.Parse<TaskView>(Golden.Read("logs", name + ".view.json"));

        Assert.All(SentAndGoneOn(name), view => AssertSameButForTime(golden, view));
    }

    [Theory]
    [MemberData(nameof(LogsThatTellMore))]
    public void Whether_it_waits_for_children_may_differ_and_nothing_else_where_only_the_log_tells_why(string name)
    {
        var golden = Golden.Parse<TaskView>(Golden.Read("logs", name + ".view.json"));

        var views = SentAndGoneOn(name);

        Assert.All(views, view => AssertSameButForTime(
            golden with { State = view.State, WaitingFor = view.WaitingFor }, view));
        Assert.Contains(views, view => view.State != golden.State);
        Assert.Contains(views, view => view.State == golden.State);
    }

    [Fact]
    public void A_log_that_does_not_begin_with_its_submission_is_refused()
    {
        var log = Golden.ReadLog("question_asked");

        Assert.Throws<ArgumentException>(() => TaskFold.Begin(log[1]));
        Assert.Throws<ArgumentException>(() => TaskFold.Fold([]));
        Assert.Throws<ArgumentException>(
            () => TaskFold.Apply(TaskFold.Fold(log), log[0] with { Seq = log.Count + 1 }));
    }

    [Fact]
    public void An_event_of_another_task_is_refused()
    {
        var view = TaskFold.Fold(Golden.ReadLog("question_asked"));
        var other = new TaskPaused("local") { TaskId = "other", Seq = view.Seq + 1, At = Noon, Epoch = view.Epoch };

        Assert.Throws<ArgumentException>(() => TaskFold.Apply(view, other));
    }

    [Fact]
    public void A_clock_that_goes_back_takes_no_time_away()
    {
        var view = TaskFold.Fold(Golden.ReadLog("compacted"));
        var earlier = new CommandRefused("not_paused")
        {
            TaskId = view.TaskId,
            Seq = view.Seq + 1,
            At = view.UpdatedAt.AddSeconds(-1),
            Epoch = view.Epoch,
        };

        var folded = TaskFold.Apply(view, earlier).View;

        Assert.Equal(view.Spent, folded.Spent);
        Assert.Equal(earlier.At, folded.UpdatedAt);
    }

    [Fact]
    public void A_blocker_that_is_not_known_stays_and_is_shown_last()
    {
        var wire = Golden.Write(TaskFold.Fold(Golden.ReadLog("waiting_for_a_retry"))).GetRawText()
            .Replace("[\"retry\"]", "[\"moonrise\",\"retry\"]", StringComparison.Ordinal);
        var view = Golden.Parse<TaskView>(wire);
        var paused = new TaskPaused("local")
        {
            TaskId = view.TaskId,
            Seq = view.Seq + 1,
            At = view.UpdatedAt,
            Epoch = view.Epoch,
        };

        var folded = TaskFold.Apply(view, paused).View;

        Assert.Equal(["pause", "retry", "moonrise"], folded.WaitingFor.Select(blocker => blocker.Value));
    }

    /// <summary>Sends the view after each event but the last, as a server does, and lets it go on to the end of the log.</summary>
    private static IReadOnlyList<TaskView> SentAndGoneOn(string name)
    {
        var log = Golden.ReadLog(name);
        return
        [
            .. from seq in Enumerable.Range(1, log.Count - 1)
               let sent = Golden.Parse<TaskView>(Golden.Write(TaskFold.Fold(log.Take(seq))))
               select log.Skip(seq).Aggregate(sent, (view, fact) => TaskFold.Apply(view, fact).View),
        ];
    }

    // Whether a tool ran while the task waited is not in a view, so a little of the time may be missing.
    private static void AssertSameButForTime(TaskView expected, TaskView view)
    {
        Assert.InRange(view.Spent.Seconds, 0, expected.Spent.Seconds);
        var timed = view with { Spent = view.Spent with { Seconds = expected.Spent.Seconds } };
        Golden.AssertSame(Golden.Write(expected), Golden.Write(timed));
    }
}
