using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// The newest view of each task of one person. Viewers read what has changed since they last looked. Of tasks that have
/// ended only the newest are kept: the others are read page by page.
/// </summary>
internal sealed class OwnerViews
{
    public const int MaxViews = 2_000;
    public const int MaxBatch = 100;
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, LinkedListNode<Changed>> _byTask = [];
    private readonly LinkedList<Changed> _byChange = new();
    private TaskCompletionSource _news = NewNews();
    private long _changes;

    public void Take(IReadOnlyList<LogView> views)
    {
        TaskCompletionSource news;
        lock (_gate)
        {
            foreach (var view in views)
            {
                Take(view);
            }
            if (_byTask.Count > MaxViews)
            {
                ForgetOldest();
            }
            (news, _news) = (_news, NewNews());
        }
        news.TrySetResult();
    }

    /// <summary>Views that changed after the cursor, oldest change first, and the cursor behind them; none when there is no more.</summary>
    public (IReadOnlyList<LogView> Views, long Cursor, Task News) Read(long cursor)
    {
        lock (_gate)
        {
            var node = FirstAfter(cursor);
            var views = new List<LogView>();
            for (; node is not null && views.Count < MaxBatch; node = node.Next)
            {
                views.Add(node.Value.View);
                cursor = node.Value.Change;
            }
            return (views, cursor, _news.Task);
        }
    }

    private void Take(LogView view)
    {
        if (_byTask.TryGetValue(view.TaskId, out var known))
        {
            if (known.Value.View.Seq >= view.Seq)
            {
                return;
            }
            _byChange.Remove(known);
        }
        _byTask[view.TaskId] = _byChange.AddLast(new Changed(++_changes, view));
    }

    private LinkedListNode<Changed>? FirstAfter(long cursor)
    {
        if (_byChange.First is { } first && first.Value.Change > cursor)
        {
            return first;
        }
        // Who has seen most is near the end.
        var node = _byChange.Last;
        LinkedListNode<Changed>? found = null;
        for (; node is not null && node.Value.Change > cursor; node = node.Previous)
        {
            found = node;
        }
        return found;
    }

    /// <summary>Ids of tasks are ordered by time. A quarter goes at once, so that sorting costs little per view.</summary>
    private void ForgetOldest()
    {
        var excess = _byTask.Count - (MaxViews * 3 / 4);
        foreach (var node in _byTask.Values.Where(node => node.Value.View.IsFinal).OrderBy(node => node.Value.View.TaskId).Take(excess).ToArray())
        {
            _byTask.Remove(node.Value.View.TaskId);
            _byChange.Remove(node);
        }
    }

    private static TaskCompletionSource NewNews() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct Changed(long Change, LogView View);
}
