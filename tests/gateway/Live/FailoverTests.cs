using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Live;

/// <summary>Which agent is asked, and what happens when it is the wrong one.</summary>
public sealed class FailoverTests(LiveStage live) : LiveTest(live)
{
    [Fact]
    public async Task Viewers_wait_while_no_agent_is_there()
    {
        var viewer = await Live.ViewerAsync();
        var logs = new PlayedLogs();
        var task = logs.NewTask(Live.Owner);
        logs.Append(task, "task_submitted", "task_completed");

        var seen = viewer.WatchAsync(task);
        await Until.TrueAsync(() => Live.Service<ApiGateway.Live.TaskRelays>().Count == 1);
        await Live.AgentAsync(logs: logs);

        Assert.Equal([1, 2], await seen.WaitAsync(Stage.Patience));
    }

    [Fact]
    public async Task A_watch_moves_to_the_agent_that_runs_the_task()
    {
        var viewer = await Live.ViewerAsync();
        var first = await Live.AgentAsync();
        var task = first.NewTask(Live.Owner);
        first.Append(task, "task_submitted");
        var seen = viewer.WatchAsync(task);
        await Until.TrueAsync(() => first.OpenWatches == 1);
        var second = await Live.AgentAsync(first);

        await second.HeartbeatAsync(task);
        await Until.TrueAsync(() => second.OpenWatches == 1 && first.OpenWatches == 0);
        await first.HeartbeatAsync(task);
        second.Append(task, "task_completed");

        Assert.Equal([1, 2], await seen.WaitAsync(Stage.Patience));
        Assert.Single(first.Asked); // both say that they run it: no reason to go back
    }

    [Fact]
    public async Task The_agent_that_runs_a_task_is_asked_first()
    {
        var idle = await Live.AgentAsync();
        var busy = await Live.AgentAsync(idle);
        var task = idle.NewTask(Live.Owner);
        idle.Append(task, "task_submitted");
        await busy.HeartbeatAsync(task, Guid.CreateVersion7());

        var seen = (await Live.ViewerAsync()).WatchAsync(task);
        await Until.TrueAsync(() => busy.OpenWatches == 1);
        idle.Append(task, "task_completed");

        await seen.WaitAsync(Stage.Patience);
        Assert.Empty(idle.Asked);
    }

    [Theory]
    [InlineData(503)]
    [InlineData(500)]
    [InlineData(401)]
    public async Task An_agent_that_cannot_now_is_passed_over(int status)
    {
        var able = await Live.AgentAsync();
        var unable = await Live.AgentAsync(able, before: agent => agent.Refuses = status);
        var task = able.NewTask(Live.Owner);
        able.Append(task, "task_submitted");
        await unable.HeartbeatAsync(task); // so it is asked first

        var seen = (await Live.ViewerAsync()).WatchAsync(task);
        await Until.TrueAsync(() => able.OpenWatches == 1);
        able.Append(task, "task_completed");

        Assert.Equal([1, 2], await seen.WaitAsync(Stage.Patience));
        Assert.Single(unable.Asked);
    }

    [Fact]
    public async Task A_watch_that_ends_at_one_agent_goes_on()
    {
        var agent = await Live.AgentAsync();
        var task = agent.NewTask(Live.Owner);
        agent.Append(task, "task_submitted");
        var seen = (await Live.ViewerAsync()).WatchAsync(task);
        await Until.TrueAsync(() => agent.OpenWatches == 1);

        await agent.EndWatchesAsync(503, "unavailable");
        agent.Append(task, "task_completed");

        Assert.Equal([1, 2], await seen.WaitAsync(Stage.Patience));
        Assert.Equal(2, agent.Asked.Count);
    }

    [Fact]
    public async Task An_agent_that_is_lost_is_no_longer_asked()
    {
        var agent = await Live.AgentAsync();
        var agents = Live.Service<AgentDirectory>();
        var lost = agents.NextChange;

        await agent.KillAsync();
        await lost.WaitAsync(Stage.Patience);

        Assert.True(agents.IsEmpty);
        Assert.Null(agents.Pick(null));
    }
}
