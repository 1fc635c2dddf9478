using System.Text.Json;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A subscription at a played agent: what of a log, or of a person's views, is acknowledged.</summary>
internal sealed class PlayedWatch
{
    private readonly PlayedTask? _task;
    private readonly Func<IReadOnlyList<PlayedTask>> _owned;
    private readonly Dictionary<PlayedTask, int> _shown = [];
    private long _after;
    private int _text;

    public PlayedWatch(PlayedTask task, long after) => (_task, _after, _owned) = (task, after, () => []);

    public PlayedWatch(PlayedLogs logs, string? owner) => _owned = () => logs.Of(owner);

    /// <summary>What is to be pushed now; null when there is nothing.</summary>
    public EventBatch? Next(Func<IReadOnlyList<string>, IReadOnlyList<string>> mangle)
    {
        var events = Frame(_task?.After(_after, 100) ?? []);
        if (events.Count > 0)
        {
            _text = 0;
        }
        var delta = _task?.DeltaAfter(_text);
        _text = delta is null ? _text : _task?.TextLength ?? 0;
        var views = Views();
        return events.Count == 0 && delta is null && views.Count == 0
            ? null
            : new EventBatch(
                default,
                [.. mangle(events).Select(text => LogEvent.Of(JsonElement.Parse(text)))],
                delta is null ? [] : [JsonElement.Parse(delta)],
                views);
    }

    public void Acknowledge(long seq) => _after = Math.Max(_after, seq);

    /// <summary>What goes in one push: 64 KB, unless one event alone is longer.</summary>
    private static List<string> Frame(IReadOnlyList<string> events)
    {
        var bytes = 0;
        return [.. events.TakeWhile((one, n) => (bytes += one.Length) < 60_000 || n == 0)];
    }

    private List<LogView> Views()
    {
        var changed = _owned().Where(task => _shown.GetValueOrDefault(task) < task.Seq).ToList();
        changed.ForEach(task => _shown[task] = task.Seq);
        return changed.ConvertAll(task => LogView.Of(JsonElement.Parse(task.View)));
    }
}
