using System.Text.Json;
using System.Text.Json.Nodes;
using Steersman.BlazorClient.Contract;
using Steersman.BlazorClient.Contract.Answers;
using Steersman.BlazorClient.Contract.Commands;
using Steersman.BlazorClient.Contract.Deltas;
using Steersman.BlazorClient.Contract.Events;
using Steersman.BlazorClient.Contract.Views;

namespace Steersman.BlazorClient.Tests.Contract;

public sealed class AnswerTests
{
    private static readonly Dictionary<string, Func<JsonElement, JsonElement>> ReadAndWritten = new()
    {
        ["approval"] = Through<Approval>,
        ["approval_page"] = Through<Page<Approval>>,
        ["approval_ruled"] = Through<ApprovalRuled>,
        ["command_accepted"] = Through<CommandAccepted>,
        ["conversation"] = Through<Conversation>,
        ["conversation_page"] = Through<Page<Conversation>>,
        ["event_page_body"] = Through<EventPage>,
        ["file_list"] = Through<FileList>,
        ["problem"] = Through<Problem>,
        ["role_list"] = Through<RoleList>,
        ["task_accepted"] = Through<TaskAccepted>,
        ["task_page"] = Through<Page<TaskView>>,
        ["tool_list"] = Through<ToolList>,
        ["workspace_stored"] = Through<WorkspaceStored>,
    };

    public static TheoryData<string, string> Examples => Golden.Examples("answers");

    [Fact]
    public void Every_answer_has_its_record() =>
        Assert.Equal(Golden.Names("answers"), ReadAndWritten.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Examples))]
    public void Of_an_answer_nothing_is_lost(string name, string which)
    {
        var wire = Golden.Example("answers", name, which);

        var written = ReadAndWritten[name](wire);

        Golden.AssertSame(WithoutNulls(wire), WithoutNulls(written));
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void Fields_that_an_answer_may_get_are_ignored(string name, string which)
    {
        var wire = Golden.Example("answers", name, which);
        var newer = JsonObject.Create(wire) ?? [];
        newer["colour"] = "red";

        var written = ReadAndWritten[name](JsonElement.Parse(newer.ToJsonString()));

        Golden.AssertSame(WithoutNulls(wire), WithoutNulls(written));
    }

    [Fact]
    public void A_state_of_an_approval_that_is_not_known_is_kept()
    {
        var wire = JsonObject.Create(Golden.Example("answers", "approval", "least")) ?? [];
        wire["state"] = "delegated";

        var read = Golden.Parse<Approval>(wire.ToJsonString());

        Assert.Equal(new ApprovalState("delegated"), read.State);
        Assert.NotEqual(ApprovalState.Pending, read.State);
    }

    [Fact]
    public void A_state_of_a_child_that_is_not_known_is_kept()
    {
        var child = Golden.Parse<TaskView>(
            Golden.Read("logs", "waits_for_two_children.view.json").GetRawText()
                .Replace("delegated", "borrowed", StringComparison.Ordinal)).Children[0];

        Assert.Equal(new ChildState("borrowed"), child.State);
        Assert.False(child.IsLive);
    }

    [Fact]
    public void A_batch_holds_events_and_deltas_and_may_lack_either()
    {
        var batch = Golden.Parse<WatchBatch>(
            """
            {"events":[{"type":"task_paused","task_id":"t","seq":5,"at":"2026-03-01T12:00:00.000Z","epoch":1,"by":"local"}],
             "deltas":[{"type":"delta","task_id":"t","epoch":1,"step":2,"offset":0,"text":"I"}]}
            """);

        Assert.Equal("local", Assert.IsType<TaskPaused>(Assert.Single(batch.Events)).By);
        Assert.Equal(new Delta("t", 1, 2, 0, "I"), Assert.Single(batch.Deltas));
        Assert.Empty(Golden.Parse<WatchBatch>("""{"deltas":[]}""").Events);
        Assert.Empty(Golden.Parse<WatchBatch>("""{"events":[]}""").Deltas);
    }

    [Fact]
    public void A_reply_to_a_command_is_an_answer_or_an_error()
    {
        var answer = Golden.Parse<CommandReply>(
            """{"type":"answer","command_id":"c","status":202,"task_id":"t","conversation_id":"v","seq":1,"state":"queued"}""");
        var error = Golden.Parse<CommandReply>(
            """{"type":"error","command_id":"c","status":409,"code":"task_ended","detail":"It has ended."}""");

        Assert.Equal(new CommandReply("answer", 202, "c", "t", "v", Seq: 1, State: "queued"), answer);
        Assert.Equal(new CommandReply("error", 409, "c", Code: "task_ended", Detail: "It has ended."), error);
        Assert.True(answer.IsAccepted);
        Assert.False(error.IsAccepted);
    }

    [Theory]
    [InlineData(typeof(string))]
    [InlineData(typeof(long))]
    [InlineData(typeof(JsonElement))]
    [InlineData(typeof(Dictionary<string, long>))]
    [InlineData(typeof(Command))]
    [InlineData(typeof(StopTask))]
    [InlineData(typeof(CommandReply))]
    [InlineData(typeof(WatchBatch))]
    [InlineData(typeof(IReadOnlyList<TaskView>))]
    public void What_a_hub_takes_or_sends_needs_no_reflection(Type argument) =>
        Assert.True(ContractJson.Options.TryGetTypeInfo(argument, out _));

    private static JsonElement Through<T>(JsonElement wire) => Golden.Write(Golden.Parse<T>(wire));

    private static JsonElement WithoutNulls(JsonElement json) =>
        JsonElement.Parse(Pruned(JsonNode.Parse(json.GetRawText()))?.ToJsonString() ?? "null");

    private static JsonNode? Pruned(JsonNode? node) => node switch
    {
        JsonObject fields => new JsonObject(
            from field in fields
            where field.Value is not null
            select KeyValuePair.Create(field.Key, Pruned(field.Value))),
        JsonArray items => new JsonArray([.. items.Select(Pruned)]),
        _ => node?.DeepClone(),
    };
}
