using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Live;

namespace Steersman.ApiGateway.Tasks;

/// <summary>The one document of the API: the gateway's routes as they are built, the agents' as an agent tells them.</summary>
internal sealed class ApiDocument(
    [FromKeyedServices(ApiDocument.Name)] IOpenApiDocumentProvider own, AgentApi agents, IHttpClientFactory clients, TimeProvider time)
{
    public const string Name = "api";
    private const string Copy = "agent.openapi.json";
    private const int Longest = 4 * 1024 * 1024;
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(3);

    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        var made = await own.GetOpenApiDocumentAsync(cancellationToken);
        var document = ObjectOf(await made.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken));
        document.Remove("servers");
        OpenApiMerge.Add(document, await AgentsAsync(cancellationToken));
        OpenApiMerge.AddSecurity(document, SessionCookie.Name);
        return JsonSerializer.SerializeToUtf8Bytes(document);
    }

    /// <summary>An agent's own document, of the version that answers; else the one that this gateway was built with.</summary>
    private async Task<JsonObject> AgentsAsync(CancellationToken cancellationToken)
    {
        foreach (var address in agents.Addresses)
        {
            using var limit = new CancellationTokenSource(s_answerTime, time);
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                var http = clients.CreateClient(AgentApi.ClientName);
                http.MaxResponseContentBufferSize = Longest;
                return ObjectOf(await http.GetStringAsync(new Uri(address, "openapi.json"), enough.Token));
            }
            catch (Exception error) when (error is HttpRequestException or JsonException || (error is OperationCanceledException && limit.IsCancellationRequested))
            {
                // It has no document to show now: the next one may.
            }
        }
        await using var copy = typeof(ApiDocument).Assembly.GetManifestResourceStream(typeof(ApiDocument), Copy)
            ?? throw new InvalidOperationException("The copy of the agent's document was not built in.");
        using var reader = new StreamReader(copy);
        return ObjectOf(await reader.ReadToEndAsync(cancellationToken));
    }

    private static JsonObject ObjectOf(string json) => JsonNode.Parse(json) as JsonObject ?? throw new JsonException("It is no object.");
}
