using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.SignalR;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// Hands a command to an agent and brings its answer. A command has an id, so that asking a second agent after the first one
/// died executes it once.
/// </summary>
internal sealed class AgentCommands(
    AgentDirectory agents, IHubContext<AgentHub, IAgentClient> hub, AgentSocket socket, TokenMint mint)
{
    private const int Attempts = 3;
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(10);

    public async Task<JsonElement> ExecuteAsync(Watcher watcher, JsonElement command, CancellationToken cancellationToken)
    {
        if (command.ValueKind != JsonValueKind.Object)
        {
            return Error(null, StatusCodes.Status400BadRequest, "malformed", "A command is one JSON object.");
        }
        var named = WithId(command);
        var taskId = named.TryGetProperty("task_id", out var id) && id.ValueKind == JsonValueKind.String && id.TryGetGuid(out var guid) ? guid : (Guid?)null;
        var failed = new HashSet<string>(StringComparer.Ordinal);
        while (failed.Count < Attempts && agents.Pick(taskId, failed) is { } agent)
        {
            if (await AskAsync(agent, named, watcher, cancellationToken) is { } answer)
            {
                return answer;
            }
            failed.Add(agent.ConnectionId);
        }
        return await socket.ExecuteAsync(watcher, named, cancellationToken)
            ?? Error(named, StatusCodes.Status503ServiceUnavailable, "no_agent", "No agent answers; try again with the same command_id.");
    }

    private async Task<JsonElement?> AskAsync(ConnectedAgent agent, JsonElement command, Watcher watcher, CancellationToken cancellationToken)
    {
        try
        {
            var request = new ExecuteRequest(command, await mint.ForAgentAsync(watcher, cancellationToken));
            return await hub.Clients.Client(agent.ConnectionId).Execute(request, cancellationToken).WaitAsync(s_answerTime, cancellationToken);
        }
        catch (Exception error) when (error is IOException or HubException or TimeoutException)
        {
            return null; // it died or hangs; whether the command was executed is unknown, and its id makes asking again harmless
        }
    }

    private static JsonElement WithId(JsonElement command)
    {
        if (command.TryGetProperty("command_id", out var id) && id.ValueKind == JsonValueKind.String)
        {
            return command;
        }
        var named = JsonObject.Create(command) ?? [];
        named["command_id"] = Guid.CreateVersion7().ToString();
        return JsonSerializer.SerializeToElement(named);
    }

    private static JsonElement Error(JsonElement? command, int status, string code, string detail)
    {
        var error = new JsonObject { ["type"] = "error", ["status"] = status, ["code"] = code, ["detail"] = detail };
        if (command?.TryGetProperty("command_id", out var id) == true)
        {
            error["command_id"] = id.GetString();
        }
        return JsonSerializer.SerializeToElement(error);
    }
}
