using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steersman.ApiGateway.Agents;

/// <summary>An event as it came, of which the gateway reads the envelope only: it cannot lose what it does not know.</summary>
[JsonConverter(typeof(LogEventConverter))]
internal readonly record struct LogEvent
{
    private LogEvent(JsonElement json, JsonElement type, long seq)
    {
        Json = json;
        Seq = seq;
        Bytes = JsonMarshal.GetRawUtf8Value(json).Length;
        IsFinal = type.ValueEquals("task_completed"u8) || type.ValueEquals("task_failed"u8) || type.ValueEquals("task_stopped"u8);
        EndsThought = IsFinal || type.ValueEquals("thought_recorded"u8) || type.ValueEquals("model_call_failed"u8)
            || type.ValueEquals("task_claimed"u8);
    }

    public JsonElement Json { get; }

    public long Seq { get; }

    public int Bytes { get; }

    /// <summary>Nothing comes after it.</summary>
    public bool IsFinal { get; }

    /// <summary>It supersedes the text that had streamed.</summary>
    public bool EndsThought { get; }

    /// <summary>Throws <see cref="JsonException"/> when it is no event.</summary>
    public static LogEvent Of(JsonElement json)
    {
        if (RawJson.Find(json, "type", JsonValueKind.String) is { } type
            && RawJson.Find(json, "seq", JsonValueKind.Number) is { } seq && seq.TryGetInt64(out var number) && number > 0)
        {
            return new LogEvent(json, type, number);
        }
        throw new JsonException("An event has a type and a seq.");
    }
}

/// <summary>A task's view as it came; of two, the one with the greater <c>seq</c> is newer.</summary>
[JsonConverter(typeof(LogViewConverter))]
internal readonly record struct LogView(Guid TaskId, long Seq, bool IsFinal, JsonElement Json)
{
    /// <summary>Throws <see cref="JsonException"/> when it is no view.</summary>
    public static LogView Of(JsonElement json)
    {
        if (RawJson.Find(json, "task_id", JsonValueKind.String) is { } id && id.TryGetGuid(out var taskId)
            && RawJson.Find(json, "seq", JsonValueKind.Number) is { } seq && seq.TryGetInt64(out var number)
            && RawJson.Find(json, "state", JsonValueKind.String) is { } state)
        {
            return new LogView(taskId, number, state.GetString() is "completed" or "failed" or "stopped", json);
        }
        throw new JsonException("A view has a task_id, a seq and a state.");
    }
}

internal sealed class LogEventConverter : JsonConverter<LogEvent>
{
    public override LogEvent Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        LogEvent.Of(RawJson.Read(ref reader));

    public override void Write(Utf8JsonWriter writer, LogEvent value, JsonSerializerOptions options) => RawJson.Write(writer, value.Json);
}

internal sealed class LogViewConverter : JsonConverter<LogView>
{
    public override LogView Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        LogView.Of(RawJson.Read(ref reader));

    public override void Write(Utf8JsonWriter writer, LogView value, JsonSerializerOptions options) => RawJson.Write(writer, value.Json);
}

internal static class RawJson
{
    public static JsonElement Read(ref Utf8JsonReader reader)
    {
        var json = JsonElement.ParseValue(ref reader);
        return json.ValueKind == JsonValueKind.Object ? json : throw new JsonException("Expected an object.");
    }

    public static JsonElement? Find(JsonElement json, string name, JsonValueKind kind) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var found) && found.ValueKind == kind ? found : null;

    // It was parsed once: copying its bytes to each viewer is a fraction of writing it anew.
    public static void Write(Utf8JsonWriter writer, JsonElement json) =>
        writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(json), skipInputValidation: true);
}
