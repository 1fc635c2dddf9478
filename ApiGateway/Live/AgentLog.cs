using System.Text.Json;
using System.Text.Json.Serialization;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>How far a log is, and whether nothing more can come.</summary>
internal readonly record struct Standing(long Seq, bool IsFinal);

/// <summary>
/// Reads a task's log and its standing from the agents. While none answers, whoever asks waits; what an agent has against
/// the question is a <see cref="LiveException"/>.
/// </summary>
internal sealed partial class AgentLog(AgentApi api, AgentDirectory agents, TimeProvider time, ILogger<AgentLog> logger)
{
    public const int PageSize = 200;
    private const int ViewPageSize = 100;

    /// <summary>How far the task's log is. A log that ends before <paramref name="atLeast"/> is a problem.</summary>
    public Task<Standing> StandingAsync(Watcher watcher, Guid taskId, long atLeast, CancellationToken cancellationToken) =>
        PersistAsync(
            async token =>
            {
                var view = await ReadAsync<LogView>($"tasks/{taskId}?min_seq={atLeast}", watcher, token);
                return new Standing(view.Seq, view.IsFinal);
            },
            cancellationToken);

    /// <summary>The events past a cursor of which it is known that there are some: one page of them.</summary>
    public Task<IReadOnlyList<LogEvent>> ReadAsync(Watcher watcher, Guid taskId, long after, CancellationToken cancellationToken) =>
        PersistAsync(
            async token =>
            {
                var page = await ReadAsync<LogPage>($"tasks/{taskId}/events?after={after}&limit={PageSize}", watcher, token);
                // From an agent whose log is behind nothing can be taken, and asking it on and on would only heat both.
                return page.Events is [var first, ..] && first.Seq == after + 1 ? page.Events : throw LiveProblem.LogBehind.ToException();
            },
            cancellationToken);

    /// <summary>The newest views of a person's tasks. Does not wait for an agent.</summary>
    public async Task<IReadOnlyList<LogView>> ViewsAsync(Watcher watcher, CancellationToken cancellationToken) =>
        (await ReadAsync<ViewPage>($"tasks?limit={ViewPageSize}", watcher, cancellationToken)).Items;

    private async Task<T> PersistAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(time);
        while (true)
        {
            var change = agents.NextChange;
            try
            {
                return await ask(cancellationToken);
            }
            catch (LiveException error) when (error.Problem.IsPassing)
            {
                Log.AskingAgain(logger, error.Problem.Code);
            }
            catch (Exception error) when (error is not LiveException && !cancellationToken.IsCancellationRequested)
            {
                // A boundary: whatever else fails, such as the database of the keys, is no reason to send viewers away.
                Log.Failed(logger, error);
            }
            await backoff.PauseAsync(change, cancellationToken);
        }
    }

    private async Task<T> ReadAsync<T>(string path, Watcher watcher, CancellationToken cancellationToken)
    {
        using var response = await api.GetAsync(path, watcher, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize<T>(await response.Content.ReadAsByteArrayAsync(cancellationToken))
                ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new LiveException(new LiveProblem(StatusCodes.Status502BadGateway, "agent_unintelligible", error.Message));
        }
    }

    private sealed record LogPage([property: JsonPropertyName("events"), JsonRequired] IReadOnlyList<LogEvent> Events);

    private sealed record ViewPage([property: JsonPropertyName("items"), JsonRequired] IReadOnlyList<LogView> Items);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "action=log_asked_again reason={Reason}")]
        public static partial void AskingAgain(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Error, "action=log_not_read")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
