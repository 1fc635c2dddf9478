using Microsoft.AspNetCore.SignalR;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

/// <summary>Why something cannot be watched, as the agent said it.</summary>
internal sealed record LiveProblem(int Status, string Code, string Detail)
{
    public static LiveProblem NoAgent { get; } = new(StatusCodes.Status503ServiceUnavailable, "no_agent", "No agent answers; try again.");

    public static LiveProblem AgentGone { get; } = new(StatusCodes.Status503ServiceUnavailable, "agent_gone", "The agent went; try again.");

    public static LiveProblem LogBehind { get; } = new(StatusCodes.Status503ServiceUnavailable, "log_behind", "The agent's log is behind; try again.");

    public static LiveProblem Of(WatchEnd end) => new(end.Status, end.Code, end.Detail);

    public static LiveProblem Of(WatchAnswer answer) => new(answer.Status, answer.Code ?? "failed", answer.Detail ?? "The agent refused to watch.");

    /// <summary>
    /// Another agent, or the same one in a moment, may be able to. That an agent does not take the gateway's token is no
    /// fault of the viewer: it may not know the newest key yet.
    /// </summary>
    public bool IsPassing => Status is >= 500 or StatusCodes.Status401Unauthorized or StatusCodes.Status408RequestTimeout
        or StatusCodes.Status429TooManyRequests;

    public LiveException ToException() => new(this);

    /// <summary>Hubs know texts only: the code comes first.</summary>
    public HubException ToHubException() => new($"{Code}: {Detail}");
}

/// <summary>Something cannot be watched.</summary>
internal sealed class LiveException(LiveProblem problem) : Exception(problem.Detail)
{
    public LiveProblem Problem => problem;
}
