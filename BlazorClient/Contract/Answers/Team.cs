using System.Text.Json;
using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Contract.Answers;

/// <summary>The team.</summary>
public sealed record RoleList(IReadOnlyList<RoleItem> Items);

/// <summary>A member of the team. <c>Default</c>: who gets tasks that name no role.</summary>
public sealed record RoleItem(
    string Role,
    string Description,
    string Model,
    IReadOnlyList<string> Tools,
    Limits Limits,
    bool Default);

/// <summary>Everything that roles can do.</summary>
public sealed record ToolList(IReadOnlyList<ToolItem> Items);

/// <summary>Something that roles can do. <c>Parameters</c> is a JSON Schema.</summary>
public sealed record ToolItem(string Tool, string Description, Effect Effect, JsonElement Parameters);
