using System.Runtime.CompilerServices;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// The relays of this replica, one for each watched task and person: only its owner gets so far as to have one, so ownership
/// is judged by the agent once for each.
/// </summary>
internal sealed class TaskRelays(ILiveSource source, AgentLog log)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(Guid User, Guid Task), Entry> _relays = [];

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
        var text = default(TextCursor);
        while (true)
        {
            var isFinal = relay.Tail.IsFinal;
            // A cursor that is older than the tail: the viewer reads the log, and nobody else is held up.
            var (batch, next, news) = relay.Tail.Read(after, text)
                ?? (await PageAsync(relay, after, cancellationToken), default, Task.CompletedTask);
            text = next;
            if (batch.Events.Count > 0 || batch.Deltas.Count > 0)
            {
                after = batch.Events.Count > 0 ? batch.Events[^1].Seq : after;
                yield return batch;
            }
            else if (isFinal)
            {
                yield break;
            }
            else
            {
                await Task.WhenAny(news, relay.Finished).WaitAsync(cancellationToken);
                relay.ThrowIfProblem();
            }
        }
    }

    private async Task<WatchBatch> PageAsync(TaskRelay relay, long after, CancellationToken cancellationToken) =>
        new(await log.ReadAsync(relay.Watcher, relay.TaskId, after, cancellationToken), []);

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
