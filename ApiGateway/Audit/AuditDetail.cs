using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steersman.ApiGateway.Audit;

internal static class AuditDetail
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string Of(object detail) => JsonSerializer.Serialize(detail, s_options);
}
