using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steersman.ApiGateway.Agents;

/// <summary>An event as it came, of which the gateway reads the envelope only: it cannot lose what it does not know.</summary>
[JsonConverter(typeof(LogEventConverter))]
internal readonly record struct LogEvent(long Seq, JsonElement Json)
{
    public string Type => Json.GetProperty("type").GetString() ?? "";

    /// <summary>Nothing comes after it.</summary>
    public bool IsFinal => Type is "task_completed" or "task_failed" or "task_stopped";

    /// <summary>It supersedes the text that had streamed.</summary>
    public bool EndsThought => Type is "thought_recorded" or "model_call_failed" or "task_claimed" || IsFinal;

    public static LogEvent Of(JsonElement json) => new(json.GetProperty("seq").GetInt64(), json);
}

/// <summary>A task's view as it came; of two, the one with the greater <c>seq</c> is newer.</summary>
[JsonConverter(typeof(LogViewConverter))]
internal readonly record struct LogView(Guid TaskId, long Seq, JsonElement Json)
{
    public static LogView Of(JsonElement json) =>
        new(json.GetProperty("task_id").GetGuid(), json.GetProperty("seq").GetInt64(), json);
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

    // It was parsed once: copying its bytes to each viewer is a fraction of writing it anew.
    public static void Write(Utf8JsonWriter writer, JsonElement json) =>
        writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(json), skipInputValidation: true);
}
