using System.Text.Json;

namespace Steersman.ApiGateway.Web;

/// <summary>The dialect of the contract, whatever carries it.</summary>
internal static class WireJson
{
    /// <summary>To read what others answer: fields that are not known are passed over.</summary>
    public static JsonSerializerOptions Answers { get; } = MakeAnswers();

    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DictionaryKeyPolicy = null;
        options.Converters.Add(new WireTime());
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
    }

    private static JsonSerializerOptions MakeAnswers()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Apply(options);
        return options;
    }
}
