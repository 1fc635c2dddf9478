using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steersman.BlazorClient.Contract.Json;

/// <summary>
/// Reads a record of a family by its <c>type</c>, wherever that stands in the object, and writes it.
/// </summary>
/// <remarks>
/// The serializer's own polymorphism forgets a type that it does not know, and leaves out <c>type</c> when a record is
/// written as what it is rather than as its family.
/// </remarks>
internal abstract class ByTypeConverter<TFamily>(WireTypes known) : JsonConverter<TFamily>
    where TFamily : class
{
    public override TFamily Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var name = TypeNameIn(reader);
        return known.Find(name) is { } record
            ? JsonSerializer.Deserialize(ref reader, options.GetTypeInfo(record)) as TFamily ?? throw new JsonException()
            : ReadUnknown(ref reader, name, options);
    }

    public override void Write(Utf8JsonWriter writer, TFamily value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value, options.GetTypeInfo(value.GetType()));

    protected abstract TFamily ReadUnknown(ref Utf8JsonReader reader, string name, JsonSerializerOptions options);

    // The reader is a struct: this one is a copy that looks ahead.
    private static string TypeNameIn(Utf8JsonReader ahead)
    {
        if (ahead.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("Expected an object.");
        }
        while (ahead.Read() && ahead.TokenType == JsonTokenType.PropertyName)
        {
            var isType = ahead.ValueTextEquals("type"u8);
            ahead.Read();
            if (isType)
            {
                return ahead.TokenType == JsonTokenType.String && ahead.GetString() is { } name
                    ? name
                    : throw new JsonException("`type` must be a string.");
            }
            ahead.Skip();
        }
        throw new JsonException("`type` is missing.");
    }
}
