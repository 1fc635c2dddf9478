using System.Net.Http.Json;
using System.Text.Json.Serialization;
using System.Text.Json;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>A page of a log.</summary>
internal sealed record LogPage([property: JsonPropertyName("events")] IReadOnlyList<LogEvent> Events);

/// <summary>How far a log is, and whether nothing more can come.</summary>
internal readonly record struct Standing(long Seq, bool IsFinal);

/// <summary>Reads a task's log and its standing from the agents.</summary>
internal sealed class AgentLog(AgentApi api)
{
    public const int PageSize = 500;
    private const int ViewPageSize = 100;
    private const string Json = "application/json";

    /// <summary>How far the task's log is. Throws <see cref="LiveException"/> when there is no such task for this person.</summary>
    public async Task<Standing> StandingAsync(Watcher watcher, Guid taskId, long atLeast, CancellationToken cancellationToken)
    {
        using var response = await GetAsync($"tasks/{taskId}?min_seq={atLeast}", watcher, cancellationToken);
        var view = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        return new Standing(view.GetProperty("seq").GetInt64(), view.GetProperty("state").GetString() is "completed" or "failed" or "stopped");
    }

    /// <summary>The events past a cursor, one page of them.</summary>
    public async Task<IReadOnlyList<LogEvent>> ReadAsync(Watcher watcher, Guid taskId, long after, CancellationToken cancellationToken)
    {
        using var response = await GetAsync($"tasks/{taskId}/events?after={after}&limit={PageSize}", watcher, cancellationToken);
        var page = await response.Content.ReadFromJsonAsync<LogPage>(cancellationToken);
        return page?.Events ?? [];
    }

    /// <summary>The newest views of a person's tasks; none when no agent answers.</summary>
    public async Task<IReadOnlyList<LogView>> ViewsAsync(Watcher watcher, CancellationToken cancellationToken)
    {
        using var response = await api.GetAsync($"tasks?limit={ViewPageSize}", watcher, Json, cancellationToken);
        if (response is not { IsSuccessStatusCode: true })
        {
            return [];
        }
        var page = await response.Content.ReadFromJsonAsync<ViewPage>(cancellationToken);
        return page?.Items ?? [];
    }

    private async Task<HttpResponseMessage> GetAsync(string path, Watcher watcher, CancellationToken cancellationToken)
    {
        var response = await api.GetAsync(path, watcher, Json, cancellationToken)
            ?? throw new LiveException(new LiveProblem(StatusCodes.Status503ServiceUnavailable, "no_agent", "No agent answers; try again."));
        if (response.IsSuccessStatusCode)
        {
            return response;
        }
        using (response)
        {
            throw new LiveException(await ProblemOfAsync(response, cancellationToken));
        }
    }

    /// <summary>Read what an agent has against a request.</summary>
    public static async Task<LiveProblem> ProblemOfAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadFromJsonAsync<ProblemBody>(cancellationToken);
        return new LiveProblem((int)response.StatusCode, body?.Code ?? "failed", body?.Detail ?? "");
    }

    private sealed record ViewPage([property: JsonPropertyName("items")] IReadOnlyList<LogView> Items);

    private sealed record ProblemBody([property: JsonPropertyName("code")] string? Code, [property: JsonPropertyName("detail")] string? Detail);
}

/// <summary>Something cannot be watched.</summary>
internal sealed class LiveException(LiveProblem problem) : Exception(problem.Detail)
{
    public LiveProblem Problem => problem;
}
