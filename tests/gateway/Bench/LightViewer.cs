using System.Buffers.Text;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Bench;

/// <summary>A viewer that costs next to nothing, so that thousands of them measure the gateway and not themselves.</summary>
internal sealed class LightViewer : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly List<double> _delays = [];
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _seen;

    /// <summary>Events that have come.</summary>
    public int Seen => Volatile.Read(ref _seen);

    /// <summary>From the moment at which each event was appended until it was here, in milliseconds.</summary>
    public IReadOnlyList<double> Delays => _delays;

    public static async Task<LightViewer> WatchAsync(Uri gateway, Browser browser, Guid task)
    {
        var viewer = new LightViewer();
        viewer._socket.Options.SetRequestHeader("Cookie", browser.CookieHeader);
        await viewer._socket.ConnectAsync(new UriBuilder(new Uri(gateway, "/hubs/chat")) { Scheme = "ws" }.Uri, default);
        await viewer.SendAsync("""{"protocol":"json","version":1}""");
        await viewer.SendAsync($$"""{"type":4,"invocationId":"1","target":"Watch","arguments":["{{task}}",0]}""");
        return viewer;
    }

    /// <summary>Read until it is hung up.</summary>
    public async Task ReadAsync()
    {
        try
        {
            // Messages here are small and come one by one: a read is one frame.
            while (await _socket.ReceiveAsync(_buffer.AsMemory(), default) is { MessageType: not WebSocketMessageType.Close } read)
            {
                Note(_buffer.AsSpan(0, read.Count));
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It was hung up.
        }
    }

    public void Forget() => _delays.Clear();

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Note(ReadOnlySpan<byte> text)
    {
        var now = Stopwatch.GetTimestamp();
        while (text.IndexOf("\"sent\":"u8) is var place && place >= 0)
        {
            text = text[(place + 7)..];
            if (Utf8Parser.TryParse(text, out long sent, out _))
            {
                _delays.Add((now - sent) * 1000.0 / Stopwatch.Frequency);
                Volatile.Write(ref _seen, _seen + 1);
            }
        }
    }

    private Task SendAsync(string message) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(message + "\u001e"), WebSocketMessageType.Text, endOfMessage: true, default);
}
