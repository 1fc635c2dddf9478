using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A person's real connection to /hubs/chat, by cookie.</summary>
internal sealed class Viewer : IAsyncDisposable
{
    private Viewer(HubConnection hub) => Hub = hub;

    public HubConnection Hub { get; }

    public static async Task<Viewer> ConnectAsync(Uri gateway, Browser browser)
    {
        var hub = new HubConnectionBuilder()
            .WithUrl(new Uri(gateway, "/hubs/chat"), options => options.Headers["Cookie"] = browser.CookieHeader)
            .Build();
        await hub.StartAsync();
        return new Viewer(hub);
    }

    /// <summary>Watch a task from a cursor to its end; returns each seq as it came.</summary>
    public async Task<List<long>> WatchAsync(Guid task, long after = 0, Action<long>? seen = null)
    {
        var seqs = new List<long>();
        await foreach (var batch in BatchesAsync(task, after))
        {
            foreach (var one in batch.GetProperty("events").EnumerateArray())
            {
                seqs.Add(one.GetProperty("seq").GetInt64());
                seen?.Invoke(seqs[^1]);
            }
        }
        return seqs;
    }

    public IAsyncEnumerable<JsonElement> BatchesAsync(Guid task, long after = 0, CancellationToken cancellationToken = default) =>
        Hub.StreamAsync<JsonElement>("Watch", task, after, cancellationToken);

    public Task<JsonElement> ExecuteAsync(object command) => Hub.InvokeAsync<JsonElement>("Execute", command);

    public ValueTask DisposeAsync() => Hub.DisposeAsync();
}
