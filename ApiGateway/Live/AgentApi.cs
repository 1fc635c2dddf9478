using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>The agents' REST API, at whichever address answers.</summary>
internal sealed class AgentApi(
    IHttpClientFactory clients, AgentDirectory agents, Fleet fleet, TokenMint mint, IOptions<GatewayOptions> options, TimeProvider time)
{
    public const string ClientName = "agents";
    private const string Json = "application/json";
    private const string EventStream = "text/event-stream";
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(10);

    /// <summary>Configured addresses and those that agents say of themselves; those of other replicas' agents where no agent has dialled this one.</summary>
    public ImmutableArray<Uri> Addresses
    {
        get
        {
            var own = options.Value.AgentUrls.Concat(agents.All.Select(agent => agent.Hello.Url).OfType<Uri>());
            return [.. (agents.IsEmpty ? own.Concat(fleet.OtherAddresses) : own).Distinct()];
        }
    }

    /// <summary>Read something whole. Throws <see cref="LiveException"/> with what the agents have against it, or when none answers.</summary>
    public Task<HttpResponseMessage> GetAsync(string path, Watcher watcher, CancellationToken cancellationToken) =>
        AskAsync(path, watcher, Json, HttpCompletionOption.ResponseContentRead, cancellationToken);

    /// <summary>Open a stream of events. Throws as <see cref="GetAsync"/> does.</summary>
    public Task<HttpResponseMessage> OpenAsync(string path, Watcher watcher, CancellationToken cancellationToken) =>
        AskAsync(path, watcher, EventStream, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    private async Task<HttpResponseMessage> AskAsync(
        string path, Watcher watcher, string accept, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        var problem = LiveProblem.NoAgent;
        foreach (var address in Addresses.OrderBy(_ => Random.Shared.Next()))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await mint.ForAgentAsync(watcher, cancellationToken));
            request.Headers.Accept.ParseAdd(accept);
            var response = await SendAsync(request, completion, cancellationToken);
            if (response is { IsSuccessStatusCode: true })
            {
                return response;
            }
            using (response)
            {
                problem = response is null ? problem : await ProblemOfAsync(response).WaitAsync(s_answerTime, time, cancellationToken);
            }
            if (!problem.IsPassing)
            {
                break;
            }
        }
        throw problem.ToException();
    }

    private async Task<HttpResponseMessage?> SendAsync(
        HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(s_answerTime, time);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await clients.CreateClient(ClientName).SendAsync(request, completion, enough.Token);
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            // This address does not answer, or not in time: the next one may.
            cancellationToken.ThrowIfCancellationRequested();
            return null;
        }
    }

    private static async Task<LiveProblem> ProblemOfAsync(HttpResponseMessage response)
    {
        ProblemBody? body = null;
        try
        {
            body = JsonSerializer.Deserialize<ProblemBody>(await response.Content.ReadAsByteArrayAsync());
        }
        catch (Exception error) when (error is JsonException or HttpRequestException or IOException)
        {
            // Something between us and the agent says it in its own way: the status says enough.
        }
        return new LiveProblem((int)response.StatusCode, body?.Code ?? "failed", body?.Detail ?? "");
    }

    private sealed record ProblemBody([property: JsonPropertyName("code")] string? Code, [property: JsonPropertyName("detail")] string? Detail);
}
