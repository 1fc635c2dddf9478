using System.Text.Json.Nodes;

namespace Steersman.ApiGateway.Tasks;

/// <summary>Makes one OpenAPI document of the gateway's and the agent's, as people meet both under <c>/api</c>.</summary>
internal static class OpenApiMerge
{
    private const string Prefix = "/api";
    private const string Schemas = "#/components/schemas/";

    // What is forwarded. The agent's own health is not, and its overview is a part of ours.
    private static readonly string[] s_forwarded = ["tasks", "approvals", "conversations", "workspaces", "roles", "tools"];

    /// <summary>Add the agent's routes to the gateway's document. A schema whose name both have gets another one.</summary>
    public static void Add(JsonObject gateway, JsonObject agent)
    {
        var own = Child(Child(gateway, "components"), "schemas");
        var theirs = Child(Child(agent, "components"), "schemas");
        var names = theirs.Select(schema => schema.Key).ToDictionary(name => Schemas + name, name => Schemas + (own.ContainsKey(name) ? "Agent" + name : name));
        foreach (var (name, schema) in theirs)
        {
            own[names[Schemas + name][Schemas.Length..]] = Renamed(schema, names);
        }
        var paths = Child(gateway, "paths");
        foreach (var (path, item) in Child(agent, "paths").Where(pair => s_forwarded.Contains(pair.Key.Split('/')[1])))
        {
            paths[Prefix + path] = Renamed(item, names);
        }
    }

    /// <summary>How callers say who they are, at every route that does not say otherwise.</summary>
    public static void AddSecurity(JsonObject gateway, string cookie)
    {
        Child(gateway, "components")["securitySchemes"] = new JsonObject
        {
            ["token"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer", ["description"] = "A personal access token, made at POST /api/tokens." },
            ["session"] = new JsonObject { ["type"] = "apiKey", ["in"] = "cookie", ["name"] = cookie, ["description"] = "A browser that has signed in at POST /api/session." },
        };
        gateway["security"] = new JsonArray(new JsonObject { ["token"] = new JsonArray() }, new JsonObject { ["session"] = new JsonArray() });
    }

    private static JsonObject Child(JsonObject parent, string name)
    {
        if (parent[name] is JsonObject child)
        {
            return child;
        }
        var made = new JsonObject();
        parent[name] = made;
        return made;
    }

    /// <summary>A copy in which references to schemas, of discriminators too, have the new names.</summary>
    private static JsonNode? Renamed(JsonNode? node, Dictionary<string, string> names) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Renamed(member.Value, names)))),
        JsonArray items => new JsonArray([.. items.Select(item => Renamed(item, names))]),
        JsonValue value when value.TryGetValue<string>(out var text) && names.TryGetValue(text, out var renamed) => JsonValue.Create(renamed),
        _ => node?.DeepClone(),
    };
}
