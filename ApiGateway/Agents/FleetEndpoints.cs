using Microsoft.AspNetCore.Http.HttpResults;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Agents;

/// <summary>An agent as people see it. Which tasks it works on, and where it is, is for admins: tasks are their owners'.</summary>
internal sealed record AgentView(
    string WorkerId,
    string Version,
    int ContractVersion,
    IReadOnlyList<string> Roles,
    string AgentStatus,
    int Capacity,
    int ActiveTaskCount,
    DateTimeOffset LastHeartbeatAt,
    IReadOnlyList<string> Gateways,
    IReadOnlyList<Guid>? ActiveTasks = null,
    string? Name = null,
    string? Url = null);

/// <summary>The fleet: every agent of every replica.</summary>
internal static class FleetEndpoints
{
    public static void MapFleet(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/agents", List).WithTags("agents").RequireAuthorization(Policies.Read);

    /// <summary>The fleet as this caller may see it, each agent once, in the order in which they began.</summary>
    public static IReadOnlyList<AgentView> ViewFor(this Fleet fleet, Watcher watcher) =>
        [.. fleet.All.GroupBy(member => member.WorkerId, StringComparer.Ordinal)
            .OrderBy(same => same.Key, StringComparer.Ordinal)
            .Select(same => View([.. same.OrderByDescending(member => member.HeartbeatAt)], watcher.Roles.Contains(Roles.Admin)))];

    private static Ok<Page<AgentView>> List(Fleet fleet, HttpContext context) =>
        TypedResults.Ok(new Page<AgentView>(fleet.ViewFor(Watcher.Of(context.User))));

    private static AgentView View(FleetMember[] newestFirst, bool toAdmin)
    {
        var newest = newestFirst[0];
        var view = new AgentView(
            newest.WorkerId, newest.Version, newest.ContractVersion, newest.Roles, newest.State, newest.Capacity,
            newest.ActiveTasks.Length, newest.HeartbeatAt, [.. newestFirst.Select(member => member.Gateway)]);
        return toAdmin ? view with { ActiveTasks = newest.ActiveTasks, Name = newest.Name, Url = newest.Url } : view;
    }
}
