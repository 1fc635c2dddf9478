using System.Text.Json;
using System.Text.Json.Nodes;
using Steersman.BlazorClient.Contract.Commands;

namespace Steersman.BlazorClient.Tests.Contract;

public sealed class CommandTests
{
    public static TheoryData<string, string> Examples => Golden.Examples("commands");

    [Theory]
    [MemberData(nameof(Examples))]
    public void A_command_is_written_as_it_was_read(string name, string which)
    {
        var wire = Golden.Example("commands", name, which);

        var read = Golden.Parse<Command>(wire);
        var written = Golden.Write(read);

        Golden.AssertSame(wire, written);
        Assert.Equal(name, read.Type);
        Assert.Equal("type", written.EnumerateObject().First().Name);
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_unknown_field_of_a_command_is_refused(string name, string which)
    {
        var wire = JsonObject.Create(Golden.Example("commands", name, which)) ?? [];
        wire["colour"] = "red";

        var refusal = Assert.Throws<JsonException>(() => Golden.Parse<Command>(wire.ToJsonString()));

        Assert.Contains("colour", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_limit_is_refused() => Assert.Throws<JsonException>(() => Golden.Parse<Command>(
        """{"type":"submit_task","goal":"Make the tests pass.","limits":{"max_steps":5,"max_luck":1}}"""));

    [Theory]
    [InlineData("""{"type":"explode_task","task_id":"t"}""")]
    [InlineData("""{"type":"task_paused","task_id":"t"}""")]
    [InlineData("""{"task_id":"t"}""")]
    [InlineData("""{"type":"add_message","task_id":"t"}""")]
    [InlineData("""{"type":"decide_approval","approval_id":"a","decision":"perhaps","arguments_sha256":"0"}""")]
    [InlineData("""{"type":"submit_task","goal":"g","on_busy":2}""")]
    public void What_is_no_command_is_refused(string json) =>
        Assert.Throws<JsonException>(() => Golden.Parse<Command>(json));

    [Fact]
    public void Every_record_of_a_command_has_its_file()
    {
        var records = typeof(Command).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(Command)))
            .Select(type => JsonNamingPolicy.SnakeCaseLower.ConvertName(type.Name));

        Assert.Equal(Golden.Names("commands"), records.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_command_that_is_written_as_what_it_is_says_its_type_too()
    {
        var written = Golden.Write(new StopTask("t", "enough"));

        Golden.AssertSame(JsonElement.Parse("""{"type":"stop_task","task_id":"t","reason":"enough"}"""), written);
    }
}
