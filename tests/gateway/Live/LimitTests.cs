using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Steersman.ApiGateway.Live;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Live;

/// <summary>What one person may do over the hub, whatever the number of their pages.</summary>
public sealed class LimitTests(PostgresServer postgres)
{
    [Fact]
    public async Task One_connection_too_many_is_refused_with_a_reason_and_one_that_closes_makes_room()
    {
        await using var stage = await StageAsync("ConnectionsPerUser", 3);
        var first = await stage.ViewerAsync();
        await stage.ViewerAsync();
        await stage.ViewerAsync();
        var closed = new TaskCompletionSource<Exception?>();

        var refused = await stage.ViewerAsync();
        refused.Hub.Closed += error => { closed.TrySetResult(error); return Task.CompletedTask; };
        if (refused.Hub.State == HubConnectionState.Disconnected)
        {
            closed.TrySetResult(null);
        }
        await closed.Task.WaitAsync(Stage.Patience);
        await first.DisposeAsync();
        await Until.TrueAsync(() => stage.Service<PeopleConnections>().Count(stage.Owner) == 2);
        var welcome = await stage.ViewerAsync();

        Assert.Equal("no_agent", (await welcome.ExecuteAsync(new { type = "submit_task" })).GetProperty("code").GetString());
    }

    [Fact]
    public async Task Calls_beyond_the_limit_are_refused_and_the_connection_stays()
    {
        await using var stage = await StageAsync("HubCallBurst", 10);
        var (one, two) = (await stage.ViewerAsync(), await stage.ViewerAsync());
        var refused = 0;

        for (var n = 0; n < 200 && refused < 3; n++)
        {
            try
            {
                await (n % 2 == 0 ? one : two).ExecuteAsync("not a command");
            }
            catch (HubException error) when (error.Message.Contains("too_many_requests", StringComparison.Ordinal))
            {
                refused++;
            }
        }

        Assert.Equal(3, refused);
        Assert.Equal(HubConnectionState.Connected, one.Hub.State);
    }

    [Fact]
    public async Task A_connection_watches_so_much_and_no_more_and_what_ends_makes_room()
    {
        await using var stage = await StageAsync("WatchesPerConnection", 2);
        var viewer = await stage.ViewerAsync();
        var agent = await stage.AgentAsync();
        var task = agent.NewTask(stage.Owner);
        agent.Append(task, "task_submitted");
        using var leave = new CancellationTokenSource();
        await using var one = viewer.BatchesAsync(task, cancellationToken: leave.Token).GetAsyncEnumerator();
        await using var two = viewer.BatchesAsync(task).GetAsyncEnumerator();
        await one.MoveNextAsync();
        await two.MoveNextAsync();

        var error = await Assert.ThrowsAsync<HubException>(() => viewer.WatchAsync(task));
        await leave.CancelAsync();
        agent.Append(task, "task_completed");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => { while (await one.MoveNextAsync()) { } });
        while (await two.MoveNextAsync())
        {
            // To its end.
        }

        Assert.Contains("too_many_watches", error.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2], await viewer.WatchAsync(task));
    }

    private Task<Stage> StageAsync(string limit, int value) =>
        Stage.SetAsync(postgres, new Dictionary<string, string?> { [$"Gateway:Limits:{limit}"] = $"{value}" });
}
