using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Audit;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>Where people's clients connect. Reading is a stream that resumes by cursor, writing is a command with an id.</summary>
[Authorize(Policy = Policies.Read)]
internal sealed class ChatHub(
    TaskRelays tasks, OwnerRelays owners, AgentCommands commands, PeopleConnections people, AuditLog audit, IOptions<GatewayOptions> options, TimeProvider time) : Hub
{
    private Watcher Caller => Watcher.Of(Context.User ?? throw new HubException("unauthorized"));

    /// <summary>The task's events past <paramref name="after"/>, each once and in order, and text as it streams.</summary>
    public IAsyncEnumerable<WatchBatch> Watch(Guid taskId, long after, CancellationToken cancellationToken)
    {
        if (after < 0)
        {
            throw new HubException("invalid: after is a seq, 0 or more.");
        }
        return WatchedAsync(tasks.WatchAsync(Caller, taskId, after, cancellationToken), cancellationToken);
    }

    /// <summary>The views of all tasks of the caller, then each as it changes.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogView>> WatchMine(CancellationToken cancellationToken) =>
        WatchedAsync(owners.WatchAsync(Caller, cancellationToken), cancellationToken);

    /// <summary>What a WebSocket client would send, and the answer that it would get.</summary>
    [Authorize(Policy = Policies.Write)]
    public async Task<JsonElement> Execute(JsonElement command)
    {
        var answer = await commands.ExecuteAsync(Caller, command, Context.ConnectionAborted);
        if (answer.TryGetProperty("status", out var status) && status.TryGetInt32(out var code) && code is >= 200 and < 300
            && command.TryGetProperty("type", out var type) && type.ValueEquals("decide_approval"))
        {
            await audit.WriteAsync(AuditAction.ApprovalDecided, actor: Caller.UserId.ToString(), subject: $"/api/approvals/{TextOf(command, "approval_id")}",
                detail: AuditDetail.Of(new { Decision = TextOf(command, "decision") }), cancellationToken: CancellationToken.None);
        }
        return answer;
    }

    private static string? TextOf(JsonElement command, string name) =>
        command.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private IAsyncEnumerable<T> WatchedAsync<T>(IAsyncEnumerable<T> items, CancellationToken cancellationToken)
    {
        var connection = people.Find(Context.ConnectionId) ?? throw new HubException("unauthorized");
        return connection.TryBeginWatch(options.Value.Limits.WatchesPerConnection)
            ? GuardedAsync(items, connection, cancellationToken)
            : throw new HubException("too_many_watches: End one that nobody looks at.");
    }

    /// <summary>Say what is wrong in words that travel, and cut a client that takes nothing for too long.</summary>
    private async IAsyncEnumerable<T> GuardedAsync<T>(
        IAsyncEnumerable<T> items, PersonConnection connection, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var patience = new Patience(time, Context.Abort);
        await using var source = items.GetAsyncEnumerator(cancellationToken);
        try
        {
            while (await MoveNextAsync(source))
            {
                patience.Begin();
                yield return source.Current;
                patience.End();
            }
        }
        finally
        {
            connection.EndWatch();
        }
    }

    private static async ValueTask<bool> MoveNextAsync<T>(IAsyncEnumerator<T> source)
    {
        try
        {
            return await source.MoveNextAsync();
        }
        catch (LiveException error)
        {
            throw error.Problem.ToHubException();
        }
    }
}
