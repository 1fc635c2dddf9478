using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// One watched task: one source upstream, one tail, however many viewers. It lives as long as somebody watches.
/// </summary>
internal sealed class TaskRelay : ISubscriber, IAsyncDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _run;
    private volatile LiveProblem? _problem;

    public TaskRelay(Watcher watcher, Guid taskId, long after, AgentLog log, LiveSource source)
    {
        Watcher = watcher;
        TaskId = taskId;
        _run = Task.Run(() => RunAsync(after, log, source));
    }

    public Watcher Watcher { get; }

    public Guid TaskId { get; }

    public Tail Tail { get; } = new();

    /// <summary>Why the task cannot be watched any more, such as that it was deleted.</summary>
    public LiveProblem? Problem => _problem;

    /// <summary>Completes when it is known how far the log is, or that there is a problem. Until an agent answers, viewers wait.</summary>
    public Task Opened => _opened.Task;

    public void ThrowIfProblem()
    {
        if (_problem is { } problem)
        {
            throw new LiveException(problem);
        }
    }

    public PushAck Accept(Guid subscriptionId, EventBatch batch)
    {
        var fits = Tail.Append(batch.Events ?? [], batch.Deltas ?? []);
        return new PushAck(subscriptionId, Tail.Last, Stop: !fits || Tail.IsFinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _run;
        _ended.Dispose();
    }

    private async Task RunAsync(long after, AgentLog log, LiveSource source)
    {
        try
        {
            var standing = await log.StandingAsync(Watcher, TaskId, atLeast: 0, _ended.Token);
            // A viewer that is not far behind is caught up by the source, others read pages; what has ended is only read.
            var from = standing.IsFinal ? standing.Seq : Math.Min(standing.Seq, Math.Max(after, standing.Seq - (Tail.MaxEvents / 2)));
            Tail.Open(from, standing.IsFinal);
            _opened.TrySetResult();
            _problem = await source.FollowAsync(this, _ended.Token);
        }
        catch (LiveException error)
        {
            _problem = error.Problem;
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // Nobody watches any more.
        }
        finally
        {
            _opened.TrySetResult();
            Tail.Wake();
        }
    }
}
