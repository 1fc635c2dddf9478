using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steersman.BlazorClient.Contract.Json;

/// <summary>A word of a set that a newer agent may have added to: a viewer keeps what it does not know.</summary>
public interface IOpenWord<TSelf>
    where TSelf : struct, IOpenWord<TSelf>
{
    /// <summary>The word as it is sent.</summary>
    string Value { get; }

    /// <summary>Takes any word.</summary>
    static abstract TSelf Named(string value);
}

internal sealed class OpenWordConverter<TWord> : JsonConverter<TWord>
    where TWord : struct, IOpenWord<TWord>
{
    public override TWord Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TWord.Named(reader.GetString() ?? throw new JsonException("Expected a word."));

    public override void Write(Utf8JsonWriter writer, TWord value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
