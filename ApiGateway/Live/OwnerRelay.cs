using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>One person whose tasks are watched as a whole. It lives as long as somebody looks.</summary>
internal sealed class OwnerRelay : ISubscriber, IAsyncDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _run;

    public OwnerRelay(Watcher watcher, OwnerSource source)
    {
        Watcher = watcher;
        _run = Task.Run(() => RunAsync(source));
    }

    public Watcher Watcher { get; }

    public OwnerViews Views { get; } = new();

    public int Viewers { get; set; }

    public PushAck Accept(Guid subscriptionId, EventBatch batch)
    {
        Views.Take(batch.Views ?? []);
        return new PushAck(subscriptionId, 0, Stop: false);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _run;
        _ended.Dispose();
    }

    private async Task RunAsync(OwnerSource source)
    {
        try
        {
            await source.FollowAsync(this, _ended.Token);
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // Nobody looks any more.
        }
    }
}
