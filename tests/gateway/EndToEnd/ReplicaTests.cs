using Microsoft.Extensions.DependencyInjection;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.EndToEnd;

public sealed class ReplicaTests(PostgresServer postgres)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Of_two_gateways_one_that_no_real_agent_has_dialled_watches_and_commands_too()
    {
        var port = GatewayProcess.FreePort();
        var database = postgres.NewDatabase();
        await using var dialled = await TestGateway.StartAsync(postgres, RealAgent.Settings, database);
        await using var other = await TestGateway.StartAsync(
            postgres, new Dictionary<string, string?>(RealAgent.Settings) { ["Gateway:AgentUrls:0"] = $"http://127.0.0.1:{port}" }, database);
        await using var agent = RealAgent.Start(dialled.Url, new AgentHome(Cassette.Of(replies: 8)), port);
        using var browser = await dialled.SignInAsync();
        await using var here = await Viewer.ConnectAsync(dialled.Url, browser);
        await using var there = await Viewer.ConnectAsync(other.Url, browser); // one session holds at every replica
        await RealAgentTests.RegisteredAsync(dialled);

        await using var speaker = new PatientViewer(other.Url, browser);
        var command = new { type = "submit_task", command_id = Guid.CreateVersion7(), goal = Cassette.Goal };
        var answer = await speaker.ExecuteAsync(command, TestContext.Current.CancellationToken).WaitAsync(s_patience);
        var task = answer.GetProperty("task_id").GetGuid();
        var seen = await Task.WhenAll(here.WatchAsync(task), there.WatchAsync(task)).WaitAsync(s_patience);

        Assert.Empty(other.Services.GetRequiredService<AgentDirectory>().All);
        Assert.Equal(seen[0], seen[1]);
        Assert.Equal(Enumerable.Range(1, seen[0].Count).Select(seq => (long)seq), seen[0]);
        var late = await there.ExecuteAsync(new { type = "add_message", task_id = task, text = "Hello?" });
        Assert.Equal("task_ended", late.GetProperty("code").GetString());
    }
}
