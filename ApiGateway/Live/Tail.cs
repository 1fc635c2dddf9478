using System.Text.Json;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

/// <summary>What a viewer gets at once.</summary>
internal sealed record WatchBatch(IReadOnlyList<LogEvent> Events, IReadOnlyList<JsonElement> Deltas);

/// <summary>How much of the text that streams a viewer has seen.</summary>
internal readonly record struct TextCursor(int Thought, int Pieces);

/// <summary>
/// The end of one task's log: the newest events, and the text of the thought that streams. The source appends and is never
/// held back; each viewer reads with its own cursor, and one that is older than the tail reads the log.
/// </summary>
internal sealed class Tail(long from)
{
    public const int MaxEvents = 1024;
    private const int MaxBatch = 128;
    private const int MaxPieces = 8192;
    private readonly Lock _gate = new();
    private readonly LogEvent[] _ring = new LogEvent[MaxEvents]; // event n is in slot n % MaxEvents
    private readonly List<JsonElement> _pieces = [];
    private TaskCompletionSource _news = NewNews();
    private long _from = from;
    private long _last = from;
    private int _thought;
    private bool _isFinal;

    /// <summary>The last event that is here.</summary>
    public long Last
    {
        get { lock (_gate) { return _last; } }
    }

    public bool IsFinal
    {
        get { lock (_gate) { return _isFinal; } }
    }

    /// <summary>Take what the source has. False: there is a hole before it, and the source must begin again after <see cref="Last"/>.</summary>
    public bool Append(IReadOnlyList<LogEvent> events, IReadOnlyList<JsonElement> deltas)
    {
        TaskCompletionSource news;
        lock (_gate)
        {
            foreach (var one in events)
            {
                if (one.Seq <= _last)
                {
                    continue; // at least once in, exactly once out
                }
                if (one.Seq != _last + 1)
                {
                    return false;
                }
                Add(one);
            }
            Stream(deltas);
            news = _news;
            _news = NewNews();
        }
        news.TrySetResult();
        return true;
    }

    /// <summary>What is new to a viewer, or null when its cursor is older than the tail.</summary>
    public (WatchBatch Batch, TextCursor Text, Task News)? Read(long after, TextCursor text)
    {
        lock (_gate)
        {
            if (after < _from)
            {
                return null;
            }
            var events = After(after);
            // Text belongs behind the last event: whoever has not come so far gets it later, as one piece with the rest.
            if (events.Length > 0 && events[^1].Seq < _last)
            {
                return (new WatchBatch(events, []), text, _news.Task);
            }
            var seen = text.Thought == _thought ? text.Pieces : 0;
            JsonElement[] deltas = [.. _pieces.Skip(seen)];
            return (new WatchBatch(events, deltas), new TextCursor(_thought, _pieces.Count), _news.Task);
        }
    }

    private LogEvent[] After(long seq)
    {
        var events = new LogEvent[Math.Clamp(_last - seq, 0, MaxBatch)];
        for (var n = 0; n < events.Length; n++)
        {
            events[n] = _ring[(seq + 1 + n) % MaxEvents];
        }
        return events;
    }

    private void Add(LogEvent one)
    {
        _ring[one.Seq % MaxEvents] = one;
        _last = one.Seq;
        _from = Math.Max(_from, _last - MaxEvents);
        _isFinal |= one.IsFinal;
        if (one.EndsThought)
        {
            ForgetText();
        }
    }

    private void Stream(IReadOnlyList<JsonElement> deltas)
    {
        if (_pieces.Count + deltas.Count > MaxPieces)
        {
            ForgetText();
        }
        _pieces.AddRange(deltas);
    }

    private void ForgetText()
    {
        _pieces.Clear();
        _thought++;
    }

    private static TaskCompletionSource NewNews() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
