using System.Text.Json;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Live;

public sealed class CommandTests(LiveStage live) : LiveTest(live)
{
    [Fact]
    public async Task A_command_is_executed_at_an_agent_and_has_an_id()
    {
        var viewer = await Live.ViewerAsync();
        var agent = await Live.AgentAsync();

        var answer = await viewer.ExecuteAsync(new { type = "submit_task", goal = "say hello" });

        Assert.Equal(202, answer.GetProperty("status").GetInt32());
        var command = Assert.Single(agent.Executed);
        Assert.Equal(answer.GetProperty("command_id").GetString(), command.GetProperty("command_id").GetString());
        Assert.Equal("say hello", command.GetProperty("goal").GetString());
    }

    [Fact]
    public async Task A_command_reaches_the_agent_as_its_sender_wrote_it()
    {
        const string Command = """{"type":"submit_task","command_id":"0198c0de-0000-7000-8000-000000000001","goal":"\u00e9é","limits":{"max_cost_usd":1.50}}""";
        var viewer = await Live.ViewerAsync();
        var agent = await Live.AgentAsync();

        await viewer.ExecuteAsync(JsonElement.Parse(Command));

        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(Command), Assert.Single(agent.Executed)));
    }

    [Fact]
    public async Task A_command_whose_agent_dies_before_it_answers_is_asked_of_another_and_executed_once()
    {
        var viewer = await Live.ViewerAsync();
        var dying = await Live.AgentAsync(before: agent => agent.SwallowsCommands = true);
        var task = dying.NewTask(Live.Owner);
        await dying.HeartbeatAsync(task); // so it is asked first
        var other = await Live.AgentAsync(dying);

        var answer = viewer.ExecuteAsync(new { type = "stop_task", task_id = task });
        await Until.TrueAsync(() => dying.Executed.Count == 1);
        await dying.KillAsync();

        Assert.Equal(202, (await answer.WaitAsync(Stage.Patience)).GetProperty("status").GetInt32());
        Assert.Equal(Id(Assert.Single(dying.Executed)), Id(Assert.Single(other.Executed)));
        Assert.Equal(1, Assert.Single(other.Logs.Executions).Value);
    }

    [Fact]
    public async Task A_field_that_is_there_twice_ends_neither_the_connection_nor_the_command()
    {
        var viewer = await Live.ViewerAsync();
        var agent = await Live.AgentAsync();

        var answer = await viewer.ExecuteAsync(JsonElement.Parse("""{"type":"submit_task","goal":"a","goal":"b","command_id":null}"""));

        Assert.Equal(202, answer.GetProperty("status").GetInt32());
        Assert.NotNull(Id(Assert.Single(agent.Executed)));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("\"stop\"")]
    [InlineData("[]")]
    public async Task What_is_no_object_is_malformed(string command)
    {
        var viewer = await Live.ViewerAsync();
        var agent = await Live.AgentAsync();

        var answer = await viewer.ExecuteAsync(JsonElement.Parse(command));

        Assert.Equal("malformed", answer.GetProperty("code").GetString());
        Assert.Empty(agent.Executed);
    }

    [Fact]
    public async Task Without_an_agent_a_command_is_told_to_come_again_with_its_id()
    {
        var viewer = await Live.ViewerAsync();

        var answer = await viewer.ExecuteAsync(new { type = "submit_task", goal = "say hello" });

        Assert.Equal("no_agent", answer.GetProperty("code").GetString());
        Assert.True(Guid.TryParse(Id(answer), out _));
    }

    private static string? Id(JsonElement command) => command.GetProperty("command_id").GetString();
}
