using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.EndToEnd;

public sealed class RealAgentTests(PostgresServer postgres)
{
    private const string Cassette = """
        {"goal": "say hello", "replies": [
          {"text": "I look around first.", "calls": [{"tool": "list_files", "arguments": {}}]},
          {"expect": [""], "text": "Nothing is here.", "calls": [{"tool": "finish_task", "arguments": {"result": "Hello."}}]}
        ]}
        """;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_persons_task_runs_at_a_real_agent_and_is_watched_over_the_bridge()
    {
        await using var gateway = await TestGateway.StartAsync(postgres, RealAgent.Settings);
        using var browser = await gateway.SignInAsync();
        await using var viewer = await Viewer.ConnectAsync(gateway.Url, browser);
        await using var agent = RealAgent.Start(gateway.Url, Cassette);
        await RegisteredAsync(gateway);

        var answer = await viewer.Hub.InvokeAsync<JsonElement>("Execute", new { type = "submit_task", goal = "say hello" });
        Assert.Equal(202, answer.GetProperty("status").GetInt32());
        var task = answer.GetProperty("task_id").GetGuid();
        var seen = await viewer.WatchAsync(task).WaitAsync(s_patience);

        Assert.Equal(Enumerable.Range(1, seen.Count).Select(seq => (long)seq), seen);
        Assert.True(seen.Count >= 6, "submitted, claimed, two thoughts, an outcome and the end at least");
    }

    /// <summary>Completes when an agent has dialled.</summary>
    internal static async Task RegisteredAsync(TestGateway gateway)
    {
        var agents = gateway.Services.GetRequiredService<AgentDirectory>();
        while (true)
        {
            var change = agents.NextChange;
            if (!agents.IsEmpty)
            {
                return;
            }
            await change.WaitAsync(s_patience);
        }
    }
}
