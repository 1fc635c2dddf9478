using System.Text.Json;

namespace Steersman.ApiGateway.Web;

/// <summary>The dialect of the contract, whatever carries it.</summary>
internal static class WireJson
{
    public static void Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DictionaryKeyPolicy = null;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
    }
}
