using Microsoft.AspNetCore.SignalR;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Live;

/// <summary>A replica that no agent has dialled works over the agents' REST addresses.</summary>
public sealed class StreamTests(PostgresServer postgres)
{
    [Fact]
    public async Task Tasks_are_watched_by_server_sent_events_though_the_streams_break()
    {
        var logs = new PlayedLogs();
        var rest = await PlayedRest.StartAsync(logs);
        await using var stage = await StageAsync(rest.Url);
        var task = logs.NewTask(stage.Owner);
        logs.Append(task, "task_submitted");
        var seen = (await stage.ViewerAsync()).WatchAsync(task);
        for (var round = 0; round < 5; round++)
        {
            await Until.TrueAsync(() => rest.Streams == 1);
            logs.Append(task, "thought_recorded", "action_started");
            var port = rest.Url.Port;
            await rest.DisposeAsync();
            logs.Append(task, "action_succeeded");
            rest = await PlayedRest.StartAsync(logs, port);
        }
        logs.Append(task, "task_completed");

        Assert.Equal(Enumerable.Range(1, 17).Select(seq => (long)seq), await seen.WaitAsync(Stage.Patience));
        await rest.DisposeAsync();
    }

    [Fact]
    public async Task Text_streams_too_and_other_peoples_tasks_are_not_there()
    {
        var logs = new PlayedLogs();
        await using var rest = await PlayedRest.StartAsync(logs);
        await using var stage = await StageAsync(rest.Url);
        var (task, strange) = (logs.NewTask(stage.Owner), logs.NewTask(Guid.CreateVersion7()));
        logs.Append(task, "task_submitted");
        var viewer = await stage.ViewerAsync();
        var text = new Text();

        var reading = text.ReadAsync(viewer.BatchesAsync(task));
        logs.Stream(task, "I look around.");
        await text.UntilAsync("I look around.");
        var error = await Assert.ThrowsAsync<HubException>(() => viewer.WatchAsync(strange));
        logs.Append(task, "task_completed");
        await reading.WaitAsync(Stage.Patience);

        Assert.Contains("task_not_found", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commands_go_over_the_agents_socket_and_views_are_looked_up()
    {
        var logs = new PlayedLogs();
        await using var rest = await PlayedRest.StartAsync(logs);
        await using var stage = await StageAsync(rest.Url);
        var task = logs.NewTask(stage.Owner);
        logs.Append(task, "task_submitted");
        var viewer = await stage.ViewerAsync();
        var views = new Views();
        using var leave = new CancellationTokenSource();

        var looking = views.FollowAsync(viewer, leave.Token);
        var answer = await viewer.ExecuteAsync(new { type = "pause_task", task_id = task });
        await Until.TrueAsync(() => views.Seq(task) == 1);
        logs.Append(task, "task_paused");
        await Until.TrueAsync(() => views.Seq(task) == 2);

        Assert.Equal(202, answer.GetProperty("status").GetInt32());
        Assert.Equal(1, Assert.Single(logs.Executions).Value);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => looking);
    }

    [Fact]
    public async Task A_watch_goes_over_to_the_bridge_when_an_agent_dials()
    {
        var logs = new PlayedLogs();
        await using var rest = await PlayedRest.StartAsync(logs);
        await using var stage = await StageAsync(rest.Url);
        var task = logs.NewTask(stage.Owner);
        logs.Append(task, "task_submitted");
        var seen = (await stage.ViewerAsync()).WatchAsync(task);
        await Until.TrueAsync(() => rest.Streams == 1);

        var agent = await stage.AgentAsync(logs: logs);
        await Until.TrueAsync(() => agent.OpenWatches == 1 && rest.Streams == 0);
        logs.Append(task, "task_completed");

        Assert.Equal([1, 2], await seen.WaitAsync(Stage.Patience));
    }

    private Task<Stage> StageAsync(Uri agent) =>
        Stage.SetAsync(postgres, new Dictionary<string, string?> { ["Gateway:AgentUrls:0"] = agent.ToString() });
}
