using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Steersman.BlazorClient.Contract.Events;

/// <summary>An event of a type that this version does not know: shown as such, and written as it was read.</summary>
public sealed record UnknownEvent : TaskEvent
{
    public override string Type => Json.GetProperty("type").GetString() ?? "";

    /// <summary>The whole event.</summary>
    public required JsonElement Json { get; init; }

    internal static UnknownEvent Read(JsonElement json, JsonSerializerOptions options)
    {
        var place = json.Deserialize((JsonTypeInfo<Envelope>)options.GetTypeInfo(typeof(Envelope)))
            ?? throw new JsonException("Expected an event.");
        return new UnknownEvent
        {
            Json = json,
            TaskId = place.TaskId,
            Seq = place.Seq,
            At = place.At,
            Epoch = place.Epoch,
            CommandId = place.CommandId,
        };
    }
}

/// <summary>What every event has, whatever happened.</summary>
internal sealed record Envelope(string TaskId, long Seq, DateTimeOffset At, int Epoch, string? CommandId = null);
