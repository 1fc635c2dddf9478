using System.Collections.Frozen;
using System.Text.Json;

namespace Steersman.BlazorClient.Contract.Json;

/// <summary>A closed family of records and their wire names: the snake_case of each record's own name.</summary>
internal sealed class WireTypes(params Type[] records)
{
    private readonly FrozenDictionary<string, Type> _records = records.ToFrozenDictionary(WireName);
    private readonly FrozenDictionary<Type, string> _names = records.ToFrozenDictionary(record => record, WireName);

    public IEnumerable<Type> Records => _records.Values;

    public string NameOf(Type record) => _names[record];

    public Type? Find(string name) => _records.GetValueOrDefault(name);

    private static string WireName(Type record) => JsonNamingPolicy.SnakeCaseLower.ConvertName(record.Name);
}
