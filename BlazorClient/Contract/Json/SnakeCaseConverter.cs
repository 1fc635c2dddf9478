using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steersman.BlazorClient.Contract.Json;

/// <summary>A closed set of words: anything else is refused.</summary>
internal sealed class SnakeCaseConverter<TWord>()
    : JsonStringEnumConverter<TWord>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where TWord : struct, Enum;
