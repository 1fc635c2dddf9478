using System.Text.Json;
using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Events;

/// <summary>One fact of a task's log, in its place: which task, where in the log, when, and under which epoch.</summary>
/// <remarks>The wire <c>type</c> is the snake_case of the record's name. Fields that are not known are ignored.</remarks>
[JsonConverter(typeof(TaskEventConverter))]
public abstract record TaskEvent
{
    internal static readonly WireTypes Known = new(
        typeof(TaskSubmitted),
        typeof(TaskClaimed),
        typeof(ThoughtRecorded),
        typeof(ModelCallFailed),
        typeof(ApprovalRequested),
        typeof(ApprovalDecided),
        typeof(QuestionAsked),
        typeof(ActionStarted),
        typeof(ActionSucceeded),
        typeof(ActionFailed),
        typeof(ActionInterrupted),
        typeof(MessageAdded),
        typeof(PlanUpdated),
        typeof(ChildDelegated),
        typeof(WaitStarted),
        typeof(ChildFinished),
        typeof(ContextCompacted),
        typeof(TaskPaused),
        typeof(TaskResumed),
        typeof(StopRequested),
        typeof(CommandRefused),
        typeof(TaskCompleted),
        typeof(TaskFailed),
        typeof(TaskStopped));

    private protected TaskEvent()
    {
    }

    /// <summary>What happened, as it is sent.</summary>
    [JsonPropertyOrder(-6)]
    public virtual string Type => Known.NameOf(GetType());

    [JsonPropertyOrder(-5)]
    public required string TaskId { get; init; }

    /// <summary>Counts the events of a task from 1 without gaps.</summary>
    [JsonPropertyOrder(-4)]
    public required long Seq { get; init; }

    [JsonPropertyOrder(-3)]
    public required DateTimeOffset At { get; init; }

    /// <summary>Grows whenever the task changes hands.</summary>
    [JsonPropertyOrder(-2)]
    public required int Epoch { get; init; }

    /// <summary>The command that it answers.</summary>
    [JsonPropertyOrder(-1)]
    public string? CommandId { get; init; }
}

internal sealed class TaskEventConverter() : ByTypeConverter<TaskEvent>(TaskEvent.Known)
{
    public override void Write(Utf8JsonWriter writer, TaskEvent value, JsonSerializerOptions options)
    {
        if (value is UnknownEvent unknown)
        {
            unknown.Json.WriteTo(writer);
        }
        else
        {
            base.Write(writer, value, options);
        }
    }

    protected override TaskEvent ReadUnknown(ref Utf8JsonReader reader, string name, JsonSerializerOptions options) =>
        UnknownEvent.Read(JsonElement.ParseValue(ref reader), options);
}
