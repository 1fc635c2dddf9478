namespace Steersman.ApiGateway.Live;

/// <summary>Pauses between attempts, longer each time, that end early when something has changed. Jitter keeps many who wait apart.</summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(2);
    private TimeSpan _next = s_shortest;

    public void Reset() => _next = s_shortest;

    public async Task PauseAsync(Task change, CancellationToken cancellationToken)
    {
        var pause = _next * (0.5 + Random.Shared.NextDouble());
        _next = _next * 2 < s_longest ? _next * 2 : s_longest;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Even when everything changes all the time, nobody asks all the time.
        await Task.Delay(s_shortest / 2, time, cancellationToken);
        await Task.WhenAny(Task.Delay(pause, time, enough.Token), change);
        await enough.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }
}
