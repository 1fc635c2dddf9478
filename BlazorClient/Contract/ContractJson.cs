using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Steersman.BlazorClient.Contract.Answers;
using Steersman.BlazorClient.Contract.Commands;
using Steersman.BlazorClient.Contract.Deltas;
using Steersman.BlazorClient.Contract.Events;
using Steersman.BlazorClient.Contract.Json;
using Steersman.BlazorClient.Contract.Views;

namespace Steersman.BlazorClient.Contract;

/// <summary>The one JSON dialect of the contract. Hubs, HTTP and files are read and written with it.</summary>
public static class ContractJson
{
    /// <summary>Reads and writes the contract's types and nothing else: none of it needs reflection.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>Returns how to read and write a type of the contract, as the serializer's trim-safe methods want it.</summary>
    public static JsonTypeInfo<T> Of<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(ContractJsonContext.Default.Options)
        {
            // It is never put into a page as it is, and people's languages stay readable in traces.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            TypeInfoResolver = ContractJsonContext.Default,
        };
        options.MakeReadOnly();
        return options;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(TimestampConverter)])]
[JsonSerializable(typeof(TaskEvent))]
[JsonSerializable(typeof(Envelope))]
[JsonSerializable(typeof(TaskSubmitted))]
[JsonSerializable(typeof(TaskClaimed))]
[JsonSerializable(typeof(ThoughtRecorded))]
[JsonSerializable(typeof(ModelCallFailed))]
[JsonSerializable(typeof(ApprovalRequested))]
[JsonSerializable(typeof(ApprovalDecided))]
[JsonSerializable(typeof(QuestionAsked))]
[JsonSerializable(typeof(ActionStarted))]
[JsonSerializable(typeof(ActionSucceeded))]
[JsonSerializable(typeof(ActionFailed))]
[JsonSerializable(typeof(ActionInterrupted))]
[JsonSerializable(typeof(MessageAdded))]
[JsonSerializable(typeof(PlanUpdated))]
[JsonSerializable(typeof(ChildDelegated))]
[JsonSerializable(typeof(WaitStarted))]
[JsonSerializable(typeof(ChildFinished))]
[JsonSerializable(typeof(ContextCompacted))]
[JsonSerializable(typeof(TaskPaused))]
[JsonSerializable(typeof(TaskResumed))]
[JsonSerializable(typeof(StopRequested))]
[JsonSerializable(typeof(CommandRefused))]
[JsonSerializable(typeof(TaskCompleted))]
[JsonSerializable(typeof(TaskFailed))]
[JsonSerializable(typeof(TaskStopped))]
[JsonSerializable(typeof(Command))]
[JsonSerializable(typeof(SubmitTask))]
[JsonSerializable(typeof(AddMessage))]
[JsonSerializable(typeof(PauseTask))]
[JsonSerializable(typeof(ResumeTask))]
[JsonSerializable(typeof(StopTask))]
[JsonSerializable(typeof(DecideApproval))]
[JsonSerializable(typeof(Delta))]
[JsonSerializable(typeof(TaskView))]
[JsonSerializable(typeof(Approval))]
[JsonSerializable(typeof(Page<TaskView>))]
[JsonSerializable(typeof(Page<Approval>))]
[JsonSerializable(typeof(Page<Conversation>))]
[JsonSerializable(typeof(EventPage))]
[JsonSerializable(typeof(WatchBatch))]
[JsonSerializable(typeof(IReadOnlyList<TaskView>))]
[JsonSerializable(typeof(Dictionary<string, long>))]
[JsonSerializable(typeof(CommandReply))]
[JsonSerializable(typeof(TaskAccepted))]
[JsonSerializable(typeof(CommandAccepted))]
[JsonSerializable(typeof(ApprovalRuled))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(RoleList))]
[JsonSerializable(typeof(ToolList))]
[JsonSerializable(typeof(FileList))]
[JsonSerializable(typeof(WorkspaceStored))]
internal sealed partial class ContractJsonContext : JsonSerializerContext;
