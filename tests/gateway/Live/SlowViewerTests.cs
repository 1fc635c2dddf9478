using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Time.Testing;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Live;

public sealed class SlowViewerTests(PostgresServer postgres)
{
    private const string Handshake = "{\"protocol\":\"json\",\"version\":1}\u001e";

    [Fact]
    public async Task A_viewer_that_takes_nothing_is_cut_holds_up_nobody_and_resumes_by_cursor()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var stage = await Stage.SetAsync(postgres, configure: services => services.Replace(ServiceDescriptor.Singleton<TimeProvider>(clock)));
        var agent = await stage.AgentAsync();
        var task = agent.NewTask(stage.Owner);
        agent.Append(task, "task_submitted");
        var quick = (await stage.ViewerAsync()).WatchAsync(task);
        using var slow = await ConnectAsync(stage);
        await SendAsync(slow, Handshake + $$"""{"type":4,"invocationId":"1","target":"Watch","arguments":["{{task}}",0]}""" + "\u001e");
        await ReadAsync(slow); // it has shaken hands

        var text = new string('x', 50_000);
        for (var n = 0; n < 600; n++)
        {
            agent.Logs.AppendText(task, seq => $$"""{"type":"action_succeeded","seq":{{seq}},"output":"{{text}}"}""");
        }
        agent.Append(task, "task_completed");

        Assert.Equal(602, (await quick.WaitAsync(Stage.Patience)).Count);
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.InRange(await DrainAsync(slow), 1, 600L * text.Length / 2);
        var resumed = await (await stage.ViewerAsync()).WatchAsync(task, after: 300).WaitAsync(Stage.Patience);
        Assert.Equal(Enumerable.Range(301, 302).Select(seq => (long)seq), resumed);
    }

    private static async Task<ClientWebSocket> ConnectAsync(Stage stage)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", stage.Browser.CookieHeader);
        await socket.ConnectAsync(new UriBuilder(new Uri(stage.Url, "/hubs/chat")) { Scheme = "ws" }.Uri, default);
        return socket;
    }

    private static Task SendAsync(ClientWebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, default);

    private static async Task ReadAsync(ClientWebSocket socket) => await socket.ReceiveAsync(new byte[3], default);

    /// <summary>How many bytes were on the way to it when it was cut.</summary>
    private static async Task<long> DrainAsync(ClientWebSocket socket)
    {
        var (buffer, bytes) = (new byte[64 * 1024], 0L);
        try
        {
            while (await socket.ReceiveAsync(buffer, default).WaitAsync(Stage.Patience) is { MessageType: not WebSocketMessageType.Close } read)
            {
                bytes += read.Count;
            }
        }
        catch (WebSocketException)
        {
            // Cut without a word.
        }
        return bytes;
    }
}
