using System.Net.WebSockets;
using System.Text.Json;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>Executes a command over an agent's own WebSocket: for a replica that no agent has dialled.</summary>
internal sealed class AgentSocket(AgentApi api, TokenMint mint, TimeProvider time)
{
    private const string Protocol = "steersman.v1.json";
    private const int MaxAnswerBytes = 256 * 1024;
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(10);

    /// <summary>The answer of the first agent that gives one; null when none does.</summary>
    public async Task<JsonElement?> ExecuteAsync(Watcher watcher, JsonElement command, CancellationToken cancellationToken)
    {
        foreach (var address in api.Addresses)
        {
            using var limit = new CancellationTokenSource(s_answerTime, time);
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                return await AskAsync(address, watcher, command, enough.Token);
            }
            catch (Exception error) when (error is WebSocketException or JsonException or OperationCanceledException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                // It does not answer: the next one may, and the command's id keeps it from being executed twice.
            }
        }
        return null;
    }

    private async Task<JsonElement> AskAsync(Uri address, Watcher watcher, JsonElement command, CancellationToken cancellationToken)
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(Protocol);
        socket.Options.SetRequestHeader("Authorization", $"Bearer {await mint.ForAgentAsync(watcher, cancellationToken)}");
        var url = new UriBuilder(new Uri(address, "ws/chat")) { Scheme = address.Scheme == Uri.UriSchemeHttps ? "wss" : "ws" }.Uri;
        await socket.ConnectAsync(url, cancellationToken);
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(command), WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        var answer = await ReceiveAsync(socket, cancellationToken);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);
        return answer;
    }

    private static async Task<JsonElement> ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        using var message = new MemoryStream();
        var buffer = new byte[8 * 1024];
        while (message.Length < MaxAnswerBytes)
        {
            var part = await socket.ReceiveAsync(buffer, cancellationToken);
            message.Write(buffer, 0, part.Count);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                break;
            }
            if (part.EndOfMessage)
            {
                return JsonElement.Parse(message.GetBuffer().AsSpan(0, (int)message.Length));
            }
        }
        throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
    }
}
