namespace Steersman.ApiGateway.Web;

/// <summary>A part of a list; <c>next_cursor</c> is null at its end.</summary>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor = null);
