using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steersman.ApiGateway.Web;

/// <summary>Times as the contract writes them: RFC 3339, UTC, milliseconds.</summary>
internal sealed class WireTime : JsonConverter<DateTimeOffset>
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture));
}
