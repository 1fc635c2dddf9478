namespace Steersman.ApiGateway.Live;

/// <summary>Waits for a client that takes what it is sent, and gives it up when it takes nothing for half a minute: it resumes by cursor.</summary>
internal sealed class Patience : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);
    private readonly ITimer _timer;

    public Patience(TimeProvider time, Action giveUp) =>
        _timer = time.CreateTimer(_ => giveUp(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Begin() => _timer.Change(s_limit, Timeout.InfiniteTimeSpan);

    public void End() => _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer.Dispose();
}
