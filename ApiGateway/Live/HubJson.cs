using System.Text.Json;
using System.Text.Json.Serialization;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Live;

/// <summary>The dialect of the hubs. Unlike a request's, what is unknown is ignored: the other end may be newer.</summary>
internal static class HubJson
{
    public static void Apply(JsonSerializerOptions options)
    {
        WireJson.Apply(options);
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
    }
}
