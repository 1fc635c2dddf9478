using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.EndToEnd;

/// <summary>
/// So many tasks at any time, each watched by so many viewers, with a message to each now and then. When one has ended, the
/// next begins in its place, until it is enough.
/// </summary>
internal sealed class Campaign : IAsyncDisposable
{
    private const string Accepted = "accepted";
    private readonly PatientViewer[][] _viewers;
    private readonly PatientViewer[] _speakers;
    private readonly ConcurrentBag<WatchedTask> _watched = [];
    private readonly ConcurrentDictionary<string, string> _messages = new();
    private readonly CancellationTokenSource _enough = new();

    public Campaign(Uri gateway, Browser browser, int slots, int viewers)
    {
        _viewers = [.. Enumerable.Range(0, slots).Select(_ => Enumerable.Range(0, viewers).Select(_ => new PatientViewer(gateway, browser)).ToArray())];
        _speakers = [.. Enumerable.Range(0, slots).Select(_ => new PatientViewer(gateway, browser))];
    }

    public string Summary =>
        $"{_watched.Count} tasks, {_watched.Sum(task => task.Seen.Sum(events => events.Count))} events seen by {_viewers.Sum(slot => slot.Length)} viewers "
        + $"over {_viewers.Sum(slot => slot.Sum(viewer => viewer.Connections))} connections, "
        + $"{_watched.Count + _messages.Count} commands, messages: "
        + string.Join(", ", _messages.Values.CountBy(outcome => outcome).Select(outcome => $"{outcome.Value} {outcome.Key}"));

    public Task RunAsync() => Task.WhenAll(_viewers.Select((viewers, slot) => RunSlotAsync(viewers, _speakers[slot])));

    /// <summary>Let what runs come to its end, and begin nothing more.</summary>
    public void Finish() => _enough.Cancel();

    /// <summary>Completes when every viewer has seen something new.</summary>
    public async Task ProgressAsync(TimeSpan patience)
    {
        var before = _viewers.SelectMany(slot => slot).Select(viewer => (viewer, viewer.Seen)).ToArray();
        var waited = Stopwatch.StartNew();
        while (before.Any(one => one.viewer.Seen == one.Seen))
        {
            Assert.True(waited.Elapsed < patience, "somebody sees nothing any more");
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    public void Verify(int tasksInTheDatabase)
    {
        var said = new Dictionary<string, int>();
        foreach (var (task, seen) in _watched)
        {
            foreach (var events in seen)
            {
                Assert.Equal(Enumerable.Range(1, events.Count).Select(seq => (long)seq), events.Select(one => one.GetProperty("seq").GetInt64()));
                Assert.All(events, one => Assert.Equal(task, one.GetProperty("task_id").GetGuid()));
                Assert.Equal("task_completed", events[^1].GetProperty("type").GetString());
                Assert.Equal(seen[0].Count, events.Count);
            }
            foreach (var id in seen[0].Select(MessageOf).OfType<string>())
            {
                said[id] = said.GetValueOrDefault(id) + 1;
            }
        }
        Assert.Equal(_watched.Count, tasksInTheDatabase);
        Assert.NotEmpty(said);
        Assert.Equal(_messages.Where(message => message.Value == Accepted).Select(message => message.Key).Order(), said.Keys.Order());
        Assert.All(said.Values, count => Assert.Equal(1, count));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var viewer in _viewers.SelectMany(slot => slot).Concat(_speakers))
        {
            await viewer.DisposeAsync();
        }
        _enough.Dispose();
    }

    private async Task RunSlotAsync(PatientViewer[] viewers, PatientViewer speaker)
    {
        while (!_enough.IsCancellationRequested)
        {
            var answer = await speaker.ExecuteAsync(
                new { type = "submit_task", command_id = Guid.CreateVersion7(), goal = Cassette.Goal, limits = new { max_steps = 1_000 } }, CancellationToken.None);
            var task = answer.GetProperty("task_id").GetGuid();
            var watching = Task.WhenAll(viewers.Select(viewer => viewer.WatchAsync(task, CancellationToken.None)));
            while (await Task.WhenAny(watching, Task.Delay(TimeSpan.FromMilliseconds(400))) != watching)
            {
                await SayAsync(speaker, task);
            }
            _watched.Add(new WatchedTask(task, await watching));
        }
    }

    private async Task SayAsync(PatientViewer speaker, Guid task)
    {
        var id = Guid.CreateVersion7().ToString();
        var answer = await speaker.ExecuteAsync(new { type = "add_message", command_id = id, task_id = task, text = id }, CancellationToken.None);
        _messages[id] = answer.TryGetProperty("code", out var code) ? code.GetString() ?? "" : Accepted;
        Assert.True(_messages[id] is Accepted or "task_ended", answer.GetRawText());
    }

    private static string? MessageOf(JsonElement fact) =>
        fact.GetProperty("type").ValueEquals("message_added") ? fact.GetProperty("text").GetString() : null;

    private sealed record WatchedTask(Guid Id, List<JsonElement>[] Seen);
}
