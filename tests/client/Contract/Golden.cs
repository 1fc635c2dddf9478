using System.Text.Json;
using Steersman.BlazorClient.Contract;
using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Tests.Contract;

/// <summary>The files of tests/contract, and how JSON is compared.</summary>
internal static class Golden
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "contract");

    // A view says what is not there; nothing else does.
    private static readonly JsonSerializerOptions WithNulls = new(ContractJson.Options)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.Never,
    };

    public static IReadOnlyList<string> Names(string folder, string ending = ".json") =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Folder, folder), "*" + ending)
            .Select(path => Path.GetFileName(path)[..^ending.Length])
            .Order(StringComparer.Ordinal),
    ];

    public static JsonElement Read(params string[] path) =>
        JsonElement.Parse(File.ReadAllBytes(Path.Combine([Folder, .. path])));

    public static IReadOnlyList<TaskEvent> ReadLog(string name) =>
        [.. File.ReadLines(Path.Combine(Folder, "logs", name + ".jsonl")).Select(Parse<TaskEvent>)];

    /// <summary>The least and the most of each file of a folder, by a name that says which.</summary>
    public static TheoryData<string, string> Examples(string folder) =>
    [
        .. from name in Names(folder)
           from example in Read(folder, name + ".json").EnumerateObject()
           select (name, example.Name),
    ];

    public static JsonElement Example(string folder, string name, string which) =>
        Read(folder, name + ".json").GetProperty(which);

    public static T Parse<T>(string json) =>
        JsonSerializer.Deserialize(json, ContractJson.Of<T>()) ?? throw new JsonException("null");

    public static T Parse<T>(JsonElement json) =>
        json.Deserialize(ContractJson.Of<T>()) ?? throw new JsonException("null");

    public static JsonElement Write<T>(T value) => JsonSerializer.SerializeToElement(value, ContractJson.Of<T>());

    public static JsonElement WriteWithNulls<T>(T value) =>
        JsonSerializer.SerializeToElement(value, WithNulls.GetTypeInfo(typeof(T)));

    public static void AssertSame(JsonElement expected, JsonElement actual) => Assert.True(
        JsonElement.DeepEquals(expected, actual),
        $"expected {expected.GetRawText()}\nbut was  {actual.GetRawText()}");
}
