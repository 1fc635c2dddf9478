using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Steersman.ApiGateway.Live;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Live;

public sealed class WatchTests(LiveStage live) : LiveTest(live)
{
    [Fact]
    public async Task Every_viewer_sees_every_event_once_and_in_order_though_agents_are_killed()
    {
        var agent = await Live.AgentAsync();
        var logs = agent.Logs;
        var task = logs.NewTask(Live.Owner);
        logs.Append(task, "task_submitted", "task_claimed");
        List<Task<List<long>>> seen = [];
        for (var kill = 0; kill < 8; kill++)
        {
            seen.Add((await Live.ViewerAsync()).WatchAsync(task));
            logs.Append(task, "thought_recorded", "action_started", "action_succeeded");
            var next = await Live.AgentAsync(logs: logs);
            await agent.KillAsync();
            logs.Append(task, "action_started");
            agent = next;
        }
        logs.Append(task, "task_completed");

        Assert.All(await Task.WhenAll(seen).WaitAsync(Stage.Patience), seqs => Assert.Equal(Range(1, 35), seqs));
    }

    [Fact]
    public async Task Holes_and_repetitions_in_what_an_agent_pushes_reach_no_viewer()
    {
        var viewer = await Live.ViewerAsync();
        var pushes = 0;
        var agent = await Live.AgentAsync(before: agent => agent.Mangle = events => pushes++ switch
        {
            0 => events,
            1 => [.. events.Skip(1)],
            2 => [.. events.Take(1), .. events.Skip(2)],
            _ => [.. events, .. events],
        });
        var task = agent.NewTask(Live.Owner);
        agent.Append(task, "task_submitted");
        var seen = viewer.WatchAsync(task);
        await Until.TrueAsync(() => agent.OpenWatches == 1);
        agent.Append(task, [.. Enumerable.Repeat("action_started", 28), "task_completed"]);

        Assert.Equal(Range(1, 30), await seen.WaitAsync(Stage.Patience));
        Assert.Equal(4, pushes);
    }

    [Fact]
    public async Task A_cursor_that_is_older_than_the_tail_is_served_from_the_log()
    {
        var (live, late) = (await Live.ViewerAsync(), await Live.ViewerAsync());
        var agent = await Live.AgentAsync();
        var task = agent.NewTask(Live.Owner);
        agent.Append(task, Enumerable.Repeat("action_started", 3_000));
        var first = new TaskCompletionSource();

        var seenLive = live.WatchAsync(task, after: 2_990, seq => first.TrySetResult());
        await first.Task.WaitAsync(Stage.Patience);
        var seenLate = late.WatchAsync(task);
        agent.Append(task, "action_started", "task_completed");

        Assert.Equal(Range(2_991, 3_002), await seenLive.WaitAsync(Stage.Patience));
        Assert.Equal(Range(1, 3_002), await seenLate.WaitAsync(Stage.Patience));
        Assert.Single(agent.Asked);
    }

    [Fact]
    public async Task What_has_ended_is_read_to_its_end_without_a_subscription()
    {
        var viewer = await Live.ViewerAsync();
        var agent = await Live.AgentAsync();
        var task = agent.NewTask(Live.Owner);
        agent.Append(task, [.. Enumerable.Repeat("action_started", 2_999), "task_completed"]);

        Assert.Equal(Range(1, 3_000), await viewer.WatchAsync(task).WaitAsync(Stage.Patience));
        Assert.Empty(await viewer.WatchAsync(task, after: 3_000).WaitAsync(Stage.Patience));
        Assert.Empty(agent.Asked);
    }

    [Fact]
    public async Task What_the_gateway_does_not_know_passes_byte_for_byte()
    {
        const string Odd = """{ "type":"a_thing_of_2031", "seq":2,  "amount": 1.50e+3, "text":"\u00e9 <b> \/ é", "seq_of_old": null,"deep":[{"a":[ ]}] }""";
        var viewer = await Live.ViewerAsync();
        var agent = await Live.AgentAsync();
        var task = agent.NewTask(Live.Owner);
        agent.Append(task, "task_submitted");
        agent.Logs.AppendText(task, _ => Odd);
        agent.Append(task, "task_completed");
        var running = agent.NewTask(Live.Owner);
        var seen = new List<string>();

        await foreach (var batch in viewer.BatchesAsync(task))
        {
            seen.AddRange(batch.GetProperty("events").EnumerateArray().Select(one => one.GetRawText()));
        }
        var live = viewer.BatchesAsync(running).FirstAsync(batch => batch.GetProperty("events").GetArrayLength() > 0);
        agent.Logs.AppendText(running, _ => Odd.Replace("\"seq\":2", "\"seq\":1", StringComparison.Ordinal));

        Assert.Equal(Odd, seen[1]);
        var event1 = (await live.AsTask().WaitAsync(Stage.Patience)).GetProperty("events")[0];
        Assert.Equal(Odd.Replace("\"seq\":2", "\"seq\":1", StringComparison.Ordinal), event1.GetRawText());
    }

    [Fact]
    public async Task A_late_joiner_gets_the_text_so_far_and_then_what_follows()
    {
        var (early, late) = (await Live.ViewerAsync(), await Live.ViewerAsync());
        var agent = await Live.AgentAsync();
        var task = agent.NewTask(Live.Owner);
        agent.Append(task, "task_submitted", "task_claimed");
        var heard = new Text();

        var seenEarly = heard.ReadAsync(early.BatchesAsync(task));
        agent.Logs.Stream(task, "I look ");
        await heard.UntilAsync("I look ");
        agent.Logs.Stream(task, "around");
        await heard.UntilAsync("I look around");
        var heardLate = new Text();
        var seenLate = heardLate.ReadAsync(late.BatchesAsync(task));
        await heardLate.UntilAsync("I look around");
        agent.Logs.Stream(task, " first.");
        await heardLate.UntilAsync("I look around first.");
        await heard.UntilAsync("I look around first.");
        agent.Append(task, "thought_recorded", "task_completed");

        await Task.WhenAll(seenEarly, seenLate).WaitAsync(Stage.Patience);
    }

    [Fact]
    public async Task However_many_watch_one_agent_is_asked_once_and_told_when_nobody_does()
    {
        var agent = await Live.AgentAsync();
        var task = agent.NewTask(Live.Owner);
        agent.Append(task, "task_submitted");
        using var leave = new CancellationTokenSource();
        var arrived = new CountdownEvent(10);
        List<Task> watching = [];
        for (var n = 0; n < 10; n++)
        {
            var viewer = await Live.ViewerAsync();
            watching.Add(LookAsync(viewer));
        }
        await Task.Run(() => Assert.True(arrived.Wait(Stage.Patience)));
        Assert.Single(agent.Asked);
        Assert.Equal(1, Live.Service<TaskRelays>().Count);

        await leave.CancelAsync();
        await Task.WhenAll(watching).WaitAsync(Stage.Patience);

        await Until.TrueAsync(() => agent.OpenWatches == 0 && Live.Service<TaskRelays>().Count == 0);

        async Task LookAsync(Viewer viewer)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            {
                await foreach (var _ in viewer.BatchesAsync(task, cancellationToken: leave.Token))
                {
                    arrived.Signal();
                }
            });
        }
    }

    [Fact]
    public async Task Other_peoples_tasks_are_not_there()
    {
        var viewer = await Live.ViewerAsync();
        var agent = await Live.AgentAsync();
        var task = agent.NewTask(Guid.CreateVersion7());
        agent.Append(task, "task_submitted");

        var error = await Assert.ThrowsAsync<HubException>(() => viewer.WatchAsync(task));

        Assert.Contains("task_not_found", error.Message, StringComparison.Ordinal);
        Assert.Empty(agent.Asked);
    }

    [Fact]
    public async Task A_task_that_is_deleted_ends_its_watches()
    {
        var viewer = await Live.ViewerAsync();
        var agent = await Live.AgentAsync();
        var task = agent.NewTask(Live.Owner);
        agent.Append(task, "task_submitted");
        var first = new TaskCompletionSource();

        var watching = viewer.WatchAsync(task, seen: _ => first.TrySetResult());
        await first.Task.WaitAsync(Stage.Patience);
        agent.Logs.Delete(task);
        await agent.EndWatchesAsync(404, "task_not_found");

        var error = await Assert.ThrowsAsync<HubException>(() => watching.WaitAsync(Stage.Patience));
        Assert.Contains("task_not_found", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cursor_ahead_of_the_log_is_refused(bool isWatched)
    {
        var (other, viewer) = (await Live.ViewerAsync(), await Live.ViewerAsync());
        var agent = await Live.AgentAsync();
        var task = agent.NewTask(Live.Owner);
        agent.Append(task, "task_submitted");
        if (isWatched)
        {
            _ = await other.BatchesAsync(task).FirstAsync();
        }

        var error = await Assert.ThrowsAsync<HubException>(() => viewer.WatchAsync(task, after: 7));
        var negative = await Assert.ThrowsAsync<HubException>(() => viewer.WatchAsync(task, after: -1));

        Assert.Contains("cursor_ahead", error.Message, StringComparison.Ordinal);
        Assert.Contains("invalid", negative.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<long> Range(long first, long last) => Enumerable.Range((int)first, (int)(last - first + 1)).Select(seq => (long)seq);
}
