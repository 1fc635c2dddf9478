using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

/// <summary>The newest view of each task of one person. Viewers read what has changed since they last looked.</summary>
internal sealed class OwnerViews
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, (long Change, LogView View)> _views = [];
    private TaskCompletionSource _news = NewNews();
    private long _changes;

    public void Take(IReadOnlyList<LogView> views)
    {
        TaskCompletionSource news;
        lock (_gate)
        {
            foreach (var view in views)
            {
                if (!_views.TryGetValue(view.TaskId, out var known) || known.View.Seq < view.Seq)
                {
                    _views[view.TaskId] = (++_changes, view);
                }
            }
            news = _news;
            _news = NewNews();
        }
        news.TrySetResult();
    }

    /// <summary>The views that changed after the cursor, oldest change first, and the cursor behind them.</summary>
    public (IReadOnlyList<LogView> Views, long Cursor, Task News) Read(long cursor)
    {
        lock (_gate)
        {
            LogView[] changed = [.. _views.Values.Where(entry => entry.Change > cursor).OrderBy(entry => entry.Change).Select(entry => entry.View)];
            return (changed, _changes, _news.Task);
        }
    }

    private static TaskCompletionSource NewNews() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
