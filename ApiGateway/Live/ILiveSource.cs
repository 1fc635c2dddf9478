namespace Steersman.ApiGateway.Live;

/// <summary>Where a relay's events come from.</summary>
internal interface ILiveSource
{
    /// <summary>Feed a relay from its tail's last event on, across agents that come and go. Returns null after the final event,
    /// and else what ended it for good.</summary>
    Task<LiveProblem?> FollowAsync(TaskRelay relay, CancellationToken cancellationToken);
}
