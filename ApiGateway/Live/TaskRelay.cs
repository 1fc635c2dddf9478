using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// One watched task: one source upstream, one tail, however many viewers. It lives as long as somebody watches.
/// </summary>
internal sealed class TaskRelay : ISubscriber, IAsyncDisposable
{
    private readonly ILiveSource _source;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _run;
    private volatile LiveProblem? _problem;

    public TaskRelay(Watcher watcher, Guid taskId, long from, ILiveSource source)
    {
        Watcher = watcher;
        TaskId = taskId;
        Tail = new Tail(from);
        _source = source;
        _run = RunAsync();
    }

    public Watcher Watcher { get; }

    public Guid TaskId { get; }

    public Tail Tail { get; }

    /// <summary>Why the task cannot be watched any more, such as that it was deleted.</summary>
    public LiveProblem? Problem => _problem;

    /// <summary>Completes with the relay.</summary>
    public Task Finished => _run;

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

    private async Task RunAsync()
    {
        try
        {
            // Each source ends when its agent goes: the next one begins where this one stopped.
            _problem = await _source.FollowAsync(this, _ended.Token);
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // Nobody watches any more.
        }
    }
}
