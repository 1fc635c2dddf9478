using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Live;

public sealed class WatchTests(PostgresServer postgres)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Every_viewer_sees_every_event_once_and_in_order_though_the_agent_dies()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, PlayedAgent.Settings);
        using var browser = await gateway.SignInAsync();
        await using var viewer = await Viewer.ConnectAsync(gateway.Url, browser);
        await using var late = await Viewer.ConnectAsync(gateway.Url, browser);
        var first = await PlayedAgent.StartAsync(gateway.Url);
        var task = first.NewTask(await UserIdAsync(browser));
        await first.AppendAsync(task, "task_submitted", "task_claimed");
        var halfway = new TaskCompletionSource();

        var seen = viewer.WatchAsync(task, seen: seq => { if (seq == 5) { halfway.TrySetResult(); } });
        await first.AppendAsync(task, "thought_recorded", "action_started", "action_succeeded");
        await halfway.Task.WaitAsync(s_patience);
        await using var second = await PlayedAgent.StartAsync(gateway.Url, replicaOf: first);
        await first.DisposeAsync();
        var seenLate = late.WatchAsync(task, after: 3);
        await second.AppendAsync(task, "thought_recorded", "an_event_of_a_later_version", "task_completed");
        await second.PushAsync();

        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], await seen.WaitAsync(s_patience));
        Assert.Equal([4, 5, 6, 7, 8], await seenLate.WaitAsync(s_patience));
    }

    [Fact]
    public async Task A_cursor_that_is_older_than_the_tail_is_served_from_the_log()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, PlayedAgent.Settings);
        using var browser = await gateway.SignInAsync();
        await using var viewer = await Viewer.ConnectAsync(gateway.Url, browser);
        await using var agent = await PlayedAgent.StartAsync(gateway.Url);
        var task = agent.NewTask(await UserIdAsync(browser));
        await agent.AppendAsync(task, [.. Enumerable.Repeat("action_started", 2_999), "task_completed"]);

        var seen = await viewer.WatchAsync(task).WaitAsync(s_patience);

        Assert.Equal(Enumerable.Range(1, 3_000).Select(seq => (long)seq), seen);
    }

    [Fact]
    public async Task Other_peoples_tasks_are_not_there()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, PlayedAgent.Settings);
        using var browser = await gateway.SignInAsync();
        await using var viewer = await Viewer.ConnectAsync(gateway.Url, browser);
        await using var agent = await PlayedAgent.StartAsync(gateway.Url);
        var task = agent.NewTask(Guid.CreateVersion7());
        await agent.AppendAsync(task, "task_submitted");

        var error = await Assert.ThrowsAsync<HubException>(() => viewer.WatchAsync(task));

        Assert.Contains("task_not_found", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_is_executed_at_an_agent_and_has_an_id()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, PlayedAgent.Settings);
        using var browser = await gateway.SignInAsync();
        await using var viewer = await Viewer.ConnectAsync(gateway.Url, browser);
        await using var agent = await PlayedAgent.StartAsync(gateway.Url);

        var answer = await viewer.Hub.InvokeAsync<JsonElement>("Execute", new { type = "submit_task", goal = "say hello" });

        Assert.Equal(202, answer.GetProperty("status").GetInt32());
        var command = Assert.Single(agent.Executed);
        Assert.Equal(answer.GetProperty("command_id").GetString(), command.GetProperty("command_id").GetString());
    }

    [Fact]
    public async Task Without_an_agent_a_command_is_told_to_come_again()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, PlayedAgent.Settings);
        using var browser = await gateway.SignInAsync();
        await using var viewer = await Viewer.ConnectAsync(gateway.Url, browser);

        var answer = await viewer.Hub.InvokeAsync<JsonElement>("Execute", new { type = "submit_task", goal = "say hello" });

        Assert.Equal("no_agent", answer.GetProperty("code").GetString());
    }

    private static async Task<Guid> UserIdAsync(Browser browser) =>
        (await (await browser.GetAsync("/api/me")).Content.ReadFromJsonAsync<JsonElement>()).GetProperty("user_id").GetGuid();
}
