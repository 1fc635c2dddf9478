using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Views;

/// <summary>What a waiting task waits for.</summary>
[JsonConverter(typeof(OpenWordConverter<Blocker>))]
public readonly record struct Blocker(string Value) : IOpenWord<Blocker>
{
    public static Blocker Pause { get; } = new("pause");

    public static Blocker Approval { get; } = new("approval");

    public static Blocker Message { get; } = new("message");

    public static Blocker Child { get; } = new("child");

    public static Blocker Retry { get; } = new("retry");

    /// <summary>The order in which blockers are shown; those that are not known come last.</summary>
    public static IReadOnlyList<Blocker> Shown { get; } = [Pause, Approval, Message, Child, Retry];

    public static Blocker Named(string value) => new(value);

    public override string ToString() => Value;
}
