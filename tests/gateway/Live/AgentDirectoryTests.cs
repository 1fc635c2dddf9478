using Microsoft.Extensions.Time.Testing;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Tests.Live;

public sealed class AgentDirectoryTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly AgentDirectory _agents;

    public AgentDirectoryTests() => _agents = new AgentDirectory(_clock);

    [Fact]
    public void The_least_loaded_is_picked_and_before_it_the_one_that_runs_the_task()
    {
        var task = Guid.CreateVersion7();
        Add("idle");
        Add("half", Guid.CreateVersion7(), Guid.CreateVersion7());
        Add("runs it", task, Guid.CreateVersion7(), Guid.CreateVersion7());

        Assert.Equal("idle", _agents.Pick(null)?.ConnectionId);
        Assert.Equal("runs it", _agents.Pick(task)?.ConnectionId);
        Assert.Equal("idle", _agents.Pick(task, new HashSet<string> { "runs it" })?.ConnectionId);
        Assert.Null(_agents.Pick(task, new HashSet<string> { "runs it", "idle", "half" }));
    }

    [Fact]
    public void One_that_may_hang_is_picked_last_even_for_a_task_that_it_runs()
    {
        var task = Guid.CreateVersion7();
        Add("hangs", task);
        _clock.Advance(TimeSpan.FromSeconds(16));
        Add("beats", Guid.CreateVersion7());

        Assert.Equal("beats", _agents.Pick(task)?.ConnectionId);
        Assert.Equal("hangs", _agents.Pick(task, new HashSet<string> { "beats" })?.ConnectionId);
        _agents.Note("hangs", Status(task));
        Assert.Equal("hangs", _agents.Pick(task)?.ConnectionId);
    }

    [Fact]
    public void A_change_is_told_when_tasks_change_hands_and_not_at_every_beat()
    {
        var task = Guid.CreateVersion7();
        Add("one", task);
        var change = _agents.NextChange;

        _agents.Note("one", Status(task));
        Assert.False(change.IsCompleted);
        _agents.Note("one", Status());
        Assert.True(change.IsCompleted);
    }

    [Fact]
    public void A_beat_that_comes_after_the_end_brings_nobody_back()
    {
        Add("one");
        _agents.Remove("one");

        _agents.Note("one", Status());

        Assert.True(_agents.IsEmpty);
    }

    private void Add(string connectionId, params Guid[] active)
    {
        _agents.Add(connectionId, "agent", new AgentHello("worker", "0", 1, [], 4));
        _agents.Note(connectionId, Status(active));
    }

    private static AgentStatus Status(params Guid[] active) => new("IDLE", 4, active);
}
