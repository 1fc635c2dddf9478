using System.Text.Json;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Live;

namespace Steersman.ApiGateway.Tests.Live;

public sealed class OwnerViewsTests
{
    [Fact]
    public void The_newest_view_of_each_task_is_read_and_each_change_once()
    {
        var (one, two) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var views = new OwnerViews();
        views.Take([View(one, 3), View(two, 1), View(one, 2)]);

        var first = views.Read(0);
        views.Take([View(one, 4), View(one, 4), View(two, 1)]);
        var second = views.Read(first.Cursor);

        Assert.Equal([(one, 3), (two, 1)], first.Views.Select(view => (view.TaskId, view.Seq)));
        Assert.Equal([(one, 4)], second.Views.Select(view => (view.TaskId, view.Seq)));
        Assert.True(first.News.IsCompleted);
        Assert.Empty(views.Read(second.Cursor).Views);
        Assert.False(views.Read(second.Cursor).News.IsCompleted);
    }

    [Fact]
    public void Many_views_come_in_batches_and_none_is_left_out()
    {
        var views = new OwnerViews();
        Guid[] tasks = [.. Enumerable.Range(0, 1_050).Select(_ => Guid.CreateVersion7())];
        views.Take([.. tasks.Select(task => View(task, 1))]);
        var (cursor, seen, batches) = (0L, new HashSet<Guid>(), 0);

        while (views.Read(cursor) is { Views.Count: > 0 } read)
        {
            Assert.InRange(read.Views.Count, 1, OwnerViews.MaxBatch);
            cursor = read.Cursor;
            seen.UnionWith(read.Views.Select(view => view.TaskId));
            // A task that changes between two looks is seen again, and the others are not skipped for it.
            views.Take(++batches <= 10 ? [View(tasks[batches], 2)] : []);
        }

        Assert.Equal(tasks.ToHashSet(), seen);
    }

    [Fact]
    public void Of_too_many_the_oldest_that_have_ended_are_forgotten()
    {
        var views = new OwnerViews();
        var going = Guid.CreateVersion7();
        views.Take([View(going, 1)]);
        Guid[] ended = [.. Enumerable.Range(0, OwnerViews.MaxViews).Select(n => Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddSeconds(n)))];

        views.Take([.. ended.Select(task => View(task, 1, "completed"))]);

        var kept = new List<Guid>();
        for (var cursor = 0L; views.Read(cursor) is { Views.Count: > 0 } read; cursor = read.Cursor)
        {
            kept.AddRange(read.Views.Select(view => view.TaskId));
        }
        Assert.Equal(OwnerViews.MaxViews * 3 / 4, kept.Count);
        Assert.Contains(going, kept);
        Assert.Contains(ended[^1], kept);
        Assert.DoesNotContain(ended[0], kept);
    }

    private static LogView View(Guid task, long seq, string state = "running") =>
        LogView.Of(JsonSerializer.SerializeToElement(new { task_id = task, seq, state }));
}
