using System.Text.Json;
using System.Text.RegularExpressions;
using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Tests.Contract;

public sealed partial class EventTests
{
    public static TheoryData<string, string> Examples => Golden.Examples("events");

    public static TheoryData<string> Names => [.. Golden.Names("events")];

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_event_is_written_as_it_was_read(string name, string which)
    {
        var wire = Golden.Example("events", name, which);

        var written = Golden.Write(Golden.Parse<TaskEvent>(wire));

        Golden.AssertSame(wire, written);
        Assert.Equal(
            ["type", "task_id", "seq", "at", "epoch"], written.EnumerateObject().Take(5).Select(field => field.Name));
        Assert.Matches(Time(), written.GetProperty("at").GetString());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_event_is_the_record_that_is_called_like_its_type(string name)
    {
        var read = Golden.Parse<TaskEvent>(Golden.Example("events", name, "most"));

        var pascalCase = string.Concat(name.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
        Assert.Equal(pascalCase, read.GetType().Name);
        Assert.Equal(name, read.Type);
    }

    [Fact]
    public void Every_record_of_an_event_has_its_file()
    {
        var records = typeof(TaskEvent).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(TaskEvent)) && !type.IsAbstract && type != typeof(UnknownEvent))
            .Select(type => JsonNamingPolicy.SnakeCaseLower.ConvertName(type.Name));

        Assert.Equal(Golden.Names("events"), records.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_most_of_an_event_has_every_field_of_its_record(string name)
    {
        var most = Golden.Example("events", name, "most");
        var fields = Golden.Parse<TaskEvent>(most).GetType().GetProperties()
            .Select(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name))
            // A success and a failure are both outcomes, but only a command that ended has a code.
            .Where(field => (name, field) is not ("action_failed", "exit_code"));

        Assert.Equal(
            most.EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal),
            fields.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void The_type_may_stand_anywhere(string name, string which)
    {
        var wire = Golden.Example("events", name, which);
        var turned = wire.EnumerateObject().Reverse()
            .Select(field => $"{JsonEncodedText.Encode(field.Name)}\":{field.Value.GetRawText()}");

        var read = Golden.Parse<TaskEvent>("{\"" + string.Join(",\"", turned) + "}");

        Golden.AssertSame(wire, Golden.Write(read));
    }

    [Fact]
    public void A_type_that_is_not_known_is_an_unknown_event_that_keeps_its_json()
    {
        var wire = Golden.Read("newer.json").GetProperty("unknown_type");

        var read = Assert.IsType<UnknownEvent>(Golden.Parse<TaskEvent>(wire));

        Assert.Equal("weather_changed", read.Type);
        Assert.Equal(1, read.Seq);
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), read.At);
        Assert.Equal(wire.GetRawText(), read.Json.GetRawText());
        Golden.AssertSame(wire, Golden.Write<TaskEvent>(read));
    }

    [Fact]
    public void Unknown_fields_are_ignored_at_every_depth()
    {
        foreach (var pair in Golden.Read("newer.json").GetProperty("unknown_fields").EnumerateArray())
        {
            var written = Golden.Write(Golden.Parse<TaskEvent>(pair.GetProperty("newer")));

            Golden.AssertSame(pair.GetProperty("known"), written);
        }
    }

    [Fact]
    public void What_an_older_version_did_not_write_has_its_default()
    {
        foreach (var pair in Golden.Read("older.json").GetProperty("absent_fields").EnumerateArray())
        {
            var written = Golden.Write(Golden.Parse<TaskEvent>(pair.GetProperty("older")));

            Golden.AssertSame(pair.GetProperty("known"), written);
        }
    }

    [Theory]
    [InlineData("""{"task_id":"t","seq":1,"at":"2026-03-01T12:00:00.000Z","epoch":0}""")]
    [InlineData("""{"type":5,"task_id":"t","seq":1,"at":"2026-03-01T12:00:00.000Z","epoch":0}""")]
    [InlineData("""{"type":"weather_changed","task_id":"t","at":"2026-03-01T12:00:00.000Z","epoch":0}""")]
    [InlineData("""{"type":"task_paused","task_id":"t","seq":1,"at":"2026-03-01T12:00:00.000Z","epoch":0}""")]
    [InlineData("""{"type":"task_paused","task_id":null,"seq":1,"at":"2026-03-01T12:00:00.000Z","epoch":0,"by":"x"}""")]
    [InlineData("""["task_paused"]""")]
    public void What_is_no_event_is_refused(string json) =>
        Assert.Throws<JsonException>(() => Golden.Parse<TaskEvent>(json));

    [Fact]
    public void A_time_is_written_in_utc_with_milliseconds()
    {
        var at = new DateTimeOffset(2026, 3, 1, 14, 0, 0, 70, TimeSpan.FromHours(2)).AddTicks(9);
        var paused = new TaskPaused("local") { TaskId = "t", Seq = 2, At = at, Epoch = 1 };

        var written = Golden.Write<TaskEvent>(paused);

        Assert.Equal("2026-03-01T12:00:00.070Z", written.GetProperty("at").GetString());
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
    private static partial Regex Time();
}
