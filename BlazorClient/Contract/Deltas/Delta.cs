using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Steersman.BlazorClient.Contract.Deltas;

/// <summary>Text of a thought while it streams; the event of the thought supersedes it.</summary>
/// <remarks><c>Offset</c> counts UTF-16 units from the thought's start, as strings do here.</remarks>
public sealed record Delta(string TaskId, int Epoch, int Step, int Offset, string Text)
{
    [JsonPropertyOrder(-1)]
    [SuppressMessage("Performance", "CA1822:Mark members as static", Justification = "It is a field on the wire.")]
    public string Type => "delta";

    [JsonIgnore]
    internal Thought Thought => new(Epoch, Step);
}

/// <summary>Which thought a text is of. Later ones are greater.</summary>
public readonly record struct Thought(int Epoch, int Step) : IComparable<Thought>
{
    public int CompareTo(Thought other) => (Epoch, Step).CompareTo((other.Epoch, other.Step));

    public static bool operator <(Thought one, Thought other) => one.CompareTo(other) < 0;

    public static bool operator >(Thought one, Thought other) => one.CompareTo(other) > 0;

    public static bool operator <=(Thought one, Thought other) => one.CompareTo(other) <= 0;

    public static bool operator >=(Thought one, Thought other) => one.CompareTo(other) >= 0;
}
