using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Live;

public sealed class WatchMineTests(LiveStage live) : LiveTest(live)
{
    [Fact]
    public async Task A_person_sees_their_own_tasks_as_they_change_though_the_agent_dies()
    {
        var viewer = await Live.ViewerAsync();
        var agent = await Live.AgentAsync();
        var (one, two) = (agent.NewTask(Live.Owner), agent.NewTask(Live.Owner));
        var strange = agent.NewTask(Guid.CreateVersion7());
        foreach (var task in new[] { one, two, strange })
        {
            agent.Append(task, "task_submitted");
        }
        var views = new Views();
        using var leave = new CancellationTokenSource();

        var looking = views.FollowAsync(viewer, leave.Token);
        await Until.TrueAsync(() => views.Seq(one) == 1 && views.Seq(two) == 1);
        var next = await Live.AgentAsync(agent);
        await agent.KillAsync();
        next.Append(two, "task_claimed", "task_completed");
        await Until.TrueAsync(() => views.Seq(two) == 3);

        Assert.Equal(1, views.Seq(one));
        Assert.Equal(0, views.Seq(strange));
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => looking);
        await Until.TrueAsync(() => next.OpenWatches == 0);
    }

    [Fact]
    public async Task Two_pages_of_a_person_share_a_subscription_and_the_later_one_sees_all()
    {
        var agent = await Live.AgentAsync();
        Guid[] tasks = [.. Enumerable.Range(0, 150).Select(_ => agent.NewTask(Live.Owner))];
        foreach (var task in tasks)
        {
            agent.Append(task, "task_submitted");
        }
        using var leave = new CancellationTokenSource();
        var (early, late) = (new Views(), new Views());

        var first = early.FollowAsync(await Live.ViewerAsync(), leave.Token);
        await Until.TrueAsync(() => tasks.All(task => early.Seq(task) == 1));
        var second = late.FollowAsync(await Live.ViewerAsync(), leave.Token);
        await Until.TrueAsync(() => tasks.All(task => late.Seq(task) == 1));

        Assert.Equal(1, agent.OpenWatches);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(first, second));
    }
}

/// <summary>The newest view of each task, as a page keeps them.</summary>
internal sealed class Views
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<Guid, long> _seqs = new();

    public long Seq(Guid task) => _seqs.GetValueOrDefault(task);

    public async Task FollowAsync(Viewer viewer, CancellationToken cancellationToken)
    {
        await foreach (var views in viewer.Hub.StreamAsync<JsonElement>("WatchMine", cancellationToken))
        {
            foreach (var view in views.EnumerateArray())
            {
                _seqs.AddOrUpdate(
                    view.GetProperty("task_id").GetGuid(), view.GetProperty("seq").GetInt64(), (_, known) => Math.Max(known, view.GetProperty("seq").GetInt64()));
            }
        }
    }
}
