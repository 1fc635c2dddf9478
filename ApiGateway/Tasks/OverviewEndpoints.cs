using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Live;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Tasks;

internal sealed record TaskCounts(int Queued, int Running, int Waiting);

internal sealed record SpentToday(DateTimeOffset Since, long InputTokens, long OutputTokens, double CostUsd);

/// <summary>What the agents count of a person.</summary>
internal record Numbers(TaskCounts Tasks, int PendingApprovals, SpentToday SpentToday);

/// <summary>How it stands: a person's numbers, and the fleet.</summary>
internal sealed record Overview(TaskCounts Tasks, int PendingApprovals, SpentToday SpentToday, IReadOnlyList<AgentView> Fleet)
    : Numbers(Tasks, PendingApprovals, SpentToday);

internal static class OverviewEndpoints
{
    public static void MapOverview(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/overview", ReadAsync).WithTags("overview").Produces<Overview>().RequireAuthorization(Policies.Read);

    private static async Task<IResult> ReadAsync(AgentApi agents, Fleet fleet, HttpContext context)
    {
        var watcher = Watcher.Of(context.User);
        return await AgentProblems.OrAsync(async () =>
        {
            var numbers = await NumbersAsync(agents, watcher, context.RequestAborted);
            return TypedResults.Ok(new Overview(numbers.Tasks, numbers.PendingApprovals, numbers.SpentToday, fleet.ViewFor(watcher)));
        });
    }

    private static async Task<Numbers> NumbersAsync(AgentApi agents, Watcher watcher, CancellationToken cancellationToken)
    {
        using var response = await agents.GetAsync("overview", watcher, cancellationToken);
        return await response.Content.ReadFromJsonAsync<Numbers>(WireJson.Answers, cancellationToken)
            ?? throw new InvalidOperationException("The agent's overview is null.");
    }
}
