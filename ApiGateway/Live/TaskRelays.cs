using System.Runtime.CompilerServices;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// The relays of this replica, one for each watched task and person: only its owner gets so far as to have one, so ownership
/// is judged by the agent once for each.
/// </summary>
internal sealed class TaskRelays(ILiveSource source, AgentLog log)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(Guid User, Guid Task), Entry> _relays = [];

    public int Count
    {
        get { lock (_gate) { return _relays.Count; } }
    }

    /// <summary>Every event past <paramref name="after"/> once and in order, and text as it streams, to the task's end.</summary>
    public async IAsyncEnumerable<WatchBatch> WatchAsync(
        Watcher watcher, Guid taskId, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (await EnterAsync(watcher, taskId, after, cancellationToken) is not { } entry)
        {
            yield break; // the viewer has seen the end
        }
        try
        {
            var (relay, text) = (entry.Relay, default(TextCursor));
            while (true)
            {
                if (relay.Tail.Read(after, text) is not { } read)
                {
                    // The cursor is older than the tail: the viewer reads the log, and nobody else is held up.
                    var events = await log.ReadAsync(watcher, taskId, after, cancellationToken);
                    (after, text) = (events.Count > 0 ? events[^1].Seq : after, default);
                    yield return new WatchBatch(events, []);
                    continue;
                }
                text = read.Text;
                if (read.Batch.Events.Count > 0 || read.Batch.Deltas.Count > 0)
                {
                    after = read.Batch.Events.Count > 0 ? read.Batch.Events[^1].Seq : after;
                    yield return read.Batch;
                }
                else if (relay.Tail.IsFinal)
                {
                    yield break;
                }
                else
                {
                    await Task.WhenAny(read.News, relay.Finished).WaitAsync(cancellationToken);
                    if (relay.Problem is { } problem)
                    {
                        throw new LiveException(problem);
                    }
                }
            }
        }
        finally
        {
            await LeaveAsync(entry);
        }
    }

    private async Task<Entry?> EnterAsync(Watcher watcher, Guid taskId, long after, CancellationToken cancellationToken)
    {
        var key = (watcher.UserId, taskId);
        if (TryEnter(key) is { } known)
        {
            return known;
        }
        var standing = await log.StandingAsync(watcher, taskId, after, cancellationToken);
        if (after > standing.Seq)
        {
            throw new LiveException(new LiveProblem(StatusCodes.Status409Conflict, "cursor_ahead", $"The log ends at {standing.Seq}."));
        }
        if (standing.IsFinal && after == standing.Seq)
        {
            return null;
        }
        lock (_gate)
        {
            if (_relays.TryGetValue(key, out var entry))
            {
                entry.Viewers++;
                return entry;
            }
            // A viewer that is not far behind is caught up by the live source; others read pages.
            var from = Math.Max(after, standing.Seq - (Tail.MaxEvents / 2));
            return _relays[key] = new Entry(key, new TaskRelay(watcher, taskId, from, source)) { Viewers = 1 };
        }
    }

    private Entry? TryEnter((Guid User, Guid Task) key)
    {
        lock (_gate)
        {
            if (!_relays.TryGetValue(key, out var entry) || entry.Relay.Problem is not null)
            {
                return null;
            }
            entry.Viewers++;
            return entry;
        }
    }

    private async Task LeaveAsync(Entry entry)
    {
        lock (_gate)
        {
            if (--entry.Viewers > 0)
            {
                return;
            }
            _relays.Remove(entry.Key);
        }
        await entry.Relay.DisposeAsync();
    }

    private sealed class Entry((Guid User, Guid Task) key, TaskRelay relay)
    {
        public (Guid User, Guid Task) Key => key;

        public TaskRelay Relay => relay;

        public int Viewers { get; set; }
    }
}
