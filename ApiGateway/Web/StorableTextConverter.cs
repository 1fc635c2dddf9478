using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steersman.ApiGateway.Web;

/// <summary>Texts of requests. PostgreSQL keeps every character but U+0000, which nobody types: say so here, not as a failure of ours.</summary>
internal sealed class StorableTextConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.GetString();
        return text?.Contains('\0') == true ? throw new JsonException("A text must not hold U+0000.") : text;
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
