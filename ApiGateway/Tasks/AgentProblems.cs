using Steersman.ApiGateway.Live;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Tasks;

/// <summary>What agents have against a request that the gateway asks them itself.</summary>
internal static class AgentProblems
{
    /// <summary>An answer that is made of an agent's, or the agent's problem.</summary>
    public static async Task<IResult> OrAsync(Func<Task<IResult>> answer)
    {
        try
        {
            return await answer();
        }
        catch (LiveException error)
        {
            return Of(error.Problem);
        }
    }

    private static IResult Of(LiveProblem problem) => problem.IsPassing
        ? Problems.Unavailable(problem.Code, problem.Detail)
        : Problems.Of(problem.Status, problem.Code, problem.Detail);
}
