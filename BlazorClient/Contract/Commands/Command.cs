using System.Text.Json;
using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Commands;

/// <summary>What somebody wants of a task. The same command twice is one: repeat it with its id.</summary>
/// <remarks>Unknown types and unknown fields are refused.</remarks>
[JsonConverter(typeof(CommandConverter))]
public abstract record Command
{
    internal static readonly WireTypes Known = new(
        typeof(SubmitTask),
        typeof(AddMessage),
        typeof(PauseTask),
        typeof(ResumeTask),
        typeof(StopTask),
        typeof(DecideApproval));

    private protected Command()
    {
    }

    [JsonPropertyOrder(-2)]
    public string Type => Known.NameOf(GetType());

    /// <summary>Without one the server makes one, and the command cannot be repeated safely.</summary>
    [JsonPropertyOrder(-1)]
    public string? CommandId { get; init; }
}

internal sealed class CommandConverter() : ByTypeConverter<Command>(Command.Known)
{
    protected override Command ReadUnknown(ref Utf8JsonReader reader, string name, JsonSerializerOptions options) =>
        throw new JsonException($"There is no command `{name}`.");
}
