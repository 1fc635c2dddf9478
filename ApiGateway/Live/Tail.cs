using System.Text.Json;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

/// <summary>What a viewer gets at once.</summary>
internal sealed record WatchBatch(IReadOnlyList<LogEvent> Events, IReadOnlyList<JsonElement> Deltas)
{
    private const int MaxEvents = 128;
    private const int MaxBytes = 256 * 1024;

    public static WatchBatch Empty { get; } = new([], []);

    public bool IsEmpty => Events.Count == 0 && Deltas.Count == 0;

    /// <summary>How many events from <paramref name="start"/> on go together: one at least, and no more than a bound of bytes.</summary>
    public static int CountFrom(IReadOnlyList<LogEvent> events, int start)
    {
        var count = 0;
        for (var bytes = 0; start + count < events.Count && count < MaxEvents; count++)
        {
            bytes += events[start + count].Bytes;
            if (count > 0 && bytes > MaxBytes)
            {
                break;
            }
        }
        return count;
    }
}

/// <summary>How much of the text that streams a viewer has seen.</summary>
internal readonly record struct TextCursor(int Thought, int Pieces);

/// <summary>What is new to a viewer. <c>IsEnd</c>: nothing comes after it. <c>News</c> completes when there is more.</summary>
internal sealed record TailNews(WatchBatch Batch, TextCursor Text, bool IsEnd, Task News);

/// <summary>
/// The end of one task's log: the newest events, and the text of the thought that streams. The source appends and is never
/// held back; each viewer reads with its own cursor, and one that is older than the tail reads the log.
/// </summary>
internal sealed class Tail
{
    public const int MaxEvents = 1024;
    public const int MaxBytes = 1024 * 1024;
    private readonly Lock _gate = new();
    private readonly List<LogEvent> _events = []; // event n is at n - _from - 1
    private readonly TailText _text = new();
    private TaskCompletionSource _news = NewNews();
    private (long After, TextCursor Text, TailNews News)? _newest;
    private long _from;
    private long _bytes;
    private bool _isOpen;
    private bool _isFinal;

    /// <summary>The last event that is here, or before those that will be.</summary>
    public long Last
    {
        get { lock (_gate) { return _from + _events.Count; } }
    }

    public bool IsFinal
    {
        get { lock (_gate) { return _isFinal; } }
    }

    /// <summary>Begin behind an event of the log. Before that there is nothing to read.</summary>
    public void Open(long from, bool isFinal)
    {
        lock (_gate)
        {
            (_from, _isFinal, _isOpen) = (from, isFinal, true);
        }
        Wake();
    }

    /// <summary>Take what the source has. False: there is a hole before it, and the source must begin again after <see cref="Last"/>.</summary>
    public bool Append(IReadOnlyList<LogEvent> events, IReadOnlyList<JsonElement> deltas)
    {
        bool fits;
        lock (_gate)
        {
            fits = AddAll(events);
            if (fits && !_isFinal)
            {
                _text.Add(deltas);
            }
        }
        Wake();
        return fits;
    }

    /// <summary>Let all viewers look again.</summary>
    public void Wake()
    {
        TaskCompletionSource news;
        lock (_gate)
        {
            (news, _news, _newest) = (_news, NewNews(), null);
        }
        news.TrySetResult();
    }

    /// <summary>What is new to a viewer, or null when its cursor is older than the tail.</summary>
    public TailNews? Read(long after, TextCursor text)
    {
        lock (_gate)
        {
            if (!_isOpen)
            {
                return new TailNews(WatchBatch.Empty, text, IsEnd: false, _news.Task);
            }
            if (after < _from)
            {
                return null;
            }
            // Most viewers are where the others are: what one is given, all are.
            if (_newest is not { } newest || newest.After != after || newest.Text != text)
            {
                _newest = newest = (after, text, ReadNew(after, text));
            }
            return newest.News;
        }
    }

    private TailNews ReadNew(long after, TextCursor text)
    {
        var start = (int)Math.Min(after - _from, _events.Count);
        var count = WatchBatch.CountFrom(_events, start);
        var reachesEnd = start + count == _events.Count;
        // Text belongs behind the last event: whoever has not come so far gets it later, with the rest.
        var (deltas, seen) = reachesEnd ? _text.After(text) : ([], text);
        var isEmpty = count == 0 && deltas.Count == 0;
        var batch = isEmpty ? WatchBatch.Empty : new WatchBatch(_events.GetRange(start, count), deltas);
        return new TailNews(batch, seen, _isFinal && reachesEnd, _news.Task);
    }

    private bool AddAll(IReadOnlyList<LogEvent> events)
    {
        foreach (var one in events)
        {
            var next = _from + _events.Count + 1;
            if (one.Seq > next)
            {
                return false;
            }
            if (one.Seq == next && !_isFinal) // at least once in, exactly once out
            {
                Add(one);
            }
        }
        return true;
    }

    private void Add(LogEvent one)
    {
        _events.Add(one);
        _bytes += one.Bytes;
        _isFinal = one.IsFinal;
        if (one.EndsThought)
        {
            _text.Forget();
        }
        if (_events.Count > MaxEvents || _bytes > MaxBytes)
        {
            Trim();
        }
    }

    /// <summary>Drop old events, a quarter of what may be here at once, so that dropping costs next to nothing per event.</summary>
    private void Trim()
    {
        var dropped = 0;
        while (dropped < _events.Count - 1 && (_events.Count - dropped > MaxEvents * 3 / 4 || _bytes > MaxBytes * 3 / 4))
        {
            _bytes -= _events[dropped++].Bytes;
        }
        _events.RemoveRange(0, dropped);
        _from += dropped;
    }

    private static TaskCompletionSource NewNews() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
