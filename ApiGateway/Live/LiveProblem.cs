using Microsoft.AspNetCore.SignalR;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

/// <summary>Why something cannot be watched, as the agent said it.</summary>
internal sealed record LiveProblem(int Status, string Code, string Detail)
{
    public static LiveProblem Of(WatchEnd end) => new(end.Status, end.Code, end.Detail);

    public static LiveProblem Of(WatchAnswer answer) => new(answer.Status, answer.Code ?? "failed", answer.Detail ?? "The agent refused to watch.");

    /// <summary>Another agent, or the same one in a moment, may be able to.</summary>
    public bool IsPassing => Status >= 500;

    /// <summary>Hubs know texts only: the code comes first.</summary>
    public HubException ToHubException() => new($"{Code}: {Detail}");
}
