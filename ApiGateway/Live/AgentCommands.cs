using System.Text.Json;
using System.Text.Json.Nodes;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>
/// Hands a command to an agent and brings its answer. A command has an id, so that asking a second agent after the first one
/// died executes it once.
/// </summary>
internal sealed class AgentCommands(AgentDirectory agents, AgentLine line, AgentSocket socket, TokenMint mint)
{
    private const int Attempts = 3;
    private const string Id = "command_id";

    public async Task<JsonElement> ExecuteAsync(Watcher watcher, JsonElement command, CancellationToken cancellationToken)
    {
        if (command.ValueKind != JsonValueKind.Object)
        {
            return Error(null, StatusCodes.Status400BadRequest, "malformed", "A command is one JSON object.");
        }
        var named = WithId(command);
        Guid? taskId = RawJson.Find(named, "task_id", JsonValueKind.String) is { } id && id.TryGetGuid(out var guid) ? guid : null;
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
        var request = new ExecuteRequest(command, await mint.ForAgentAsync(watcher, cancellationToken));
        return await line.AskAsync(agent.ConnectionId, (client, enough) => client.Execute(request, enough), cancellationToken);
    }

    /// <summary>The command as it came, with an id in front when it has none.</summary>
    private static JsonElement WithId(JsonElement command)
    {
        if (command.TryGetProperty(Id, out var id) && id.ValueKind != JsonValueKind.Null)
        {
            return command; // whether it is one, the agent says
        }
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text))
        {
            writer.WriteStartObject();
            writer.WriteString(Id, Guid.CreateVersion7());
            foreach (var property in command.EnumerateObject().Where(property => !property.NameEquals(Id)))
            {
                property.WriteTo(writer);
            }
            writer.WriteEndObject();
        }
        return JsonElement.Parse(text.ToArray());
    }

    private static JsonElement Error(JsonElement? command, int status, string code, string detail)
    {
        var error = new JsonObject { ["type"] = "error", ["status"] = status, ["code"] = code, ["detail"] = detail };
        if (command is { } named && RawJson.Find(named, Id, JsonValueKind.String) is { } id)
        {
            error[Id] = id.GetString();
        }
        return JsonSerializer.SerializeToElement(error);
    }
}
