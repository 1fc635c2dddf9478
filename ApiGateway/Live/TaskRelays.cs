using System.Runtime.CompilerServices;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// The relays of this replica, one for each watched task and person: only its owner gets so far as to have one, so ownership
/// is judged by the agent once for each.
/// </summary>
internal sealed class TaskRelays(LiveSource source, AgentLog log)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(Guid User, Guid Task), Entry> _relays = [];

    /// <summary>How many tasks are followed.</summary>
    public int Count
    {
        get { lock (_gate) { return _relays.Count; } }
    }

    /// <summary>Every event past <paramref name="after"/> once and in order, and text as it streams, to the task's end.</summary>
    public async IAsyncEnumerable<WatchBatch> WatchAsync(
        Watcher watcher, Guid taskId, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var entry = Enter(watcher, taskId, after);
        try
        {
            await foreach (var batch in FollowAsync(entry.Relay, after, cancellationToken))
            {
                yield return batch;
            }
        }
        finally
        {
            await LeaveAsync(entry);
        }
    }

    private async IAsyncEnumerable<WatchBatch> FollowAsync(
        TaskRelay relay, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await relay.Opened.WaitAsync(cancellationToken);
        relay.ThrowIfProblem();
        await RefuseFutureAsync(relay, after, cancellationToken);
        var text = default(TextCursor);
        while (true)
        {
            if (relay.Tail.Read(after, text) is not { } read)
            {
                // A cursor that is older than the tail: this viewer reads the log, and nobody else is held up.
                foreach (var page in Split(await log.ReadAsync(relay.Watcher, relay.TaskId, after, cancellationToken)))
                {
                    after = page.Events[^1].Seq;
                    yield return page;
                }
                continue;
            }
            text = read.Text;
            if (!read.Batch.IsEmpty)
            {
                after = read.Batch.Events.Count > 0 ? read.Batch.Events[^1].Seq : after;
                yield return read.Batch;
            }
            if (read.IsEnd)
            {
                yield break;
            }
            if (read.Batch.IsEmpty)
            {
                relay.ThrowIfProblem();
                await read.News.WaitAsync(cancellationToken);
            }
        }
    }

    /// <summary>A cursor that is ahead of this replica may be one from another replica, or from no log at all.</summary>
    private async Task RefuseFutureAsync(TaskRelay relay, long after, CancellationToken cancellationToken)
    {
        if (after > relay.Tail.Last)
        {
            await log.StandingAsync(relay.Watcher, relay.TaskId, after, cancellationToken);
        }
    }

    private static IEnumerable<WatchBatch> Split(IReadOnlyList<LogEvent> events)
    {
        for (var start = 0; start < events.Count;)
        {
            var count = WatchBatch.CountFrom(events, start);
            yield return new WatchBatch([.. events.Skip(start).Take(count)], []);
            start += count;
        }
    }

    private Entry Enter(Watcher watcher, Guid taskId, long after)
    {
        var key = (watcher.UserId, taskId);
        lock (_gate)
        {
            if (!_relays.TryGetValue(key, out var entry) || entry.Relay.Problem is not null)
            {
                entry = _relays[key] = new Entry(key, new TaskRelay(watcher, taskId, after, log, source));
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
            if (_relays.GetValueOrDefault(entry.Key) == entry)
            {
                _relays.Remove(entry.Key);
            }
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
