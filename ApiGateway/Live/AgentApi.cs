using System.Collections.Immutable;
using System.Net.Http.Headers;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Live;

/// <summary>The agents' REST API, at whichever address answers.</summary>
internal sealed class AgentApi(IHttpClientFactory clients, AgentDirectory agents, TokenMint mint, IOptions<GatewayOptions> options)
{
    public const string ClientName = "agents";

    /// <summary>Configured addresses, then those that agents say of themselves.</summary>
    public ImmutableArray<Uri> Addresses =>
        [.. options.Value.AgentUrls.Concat(agents.All.Select(agent => agent.Hello.Url).OfType<Uri>()).Distinct()];

    /// <summary>Ask one agent after another until one answers; null when none does or none is known.</summary>
    public async Task<HttpResponseMessage?> GetAsync(
        string path, Watcher watcher, string accept, CancellationToken cancellationToken)
    {
        foreach (var address in Addresses.OrderBy(_ => Random.Shared.Next()))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, path));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await mint.ForAgentAsync(watcher, cancellationToken));
            request.Headers.Accept.ParseAdd(accept);
            try
            {
                var response = await clients.CreateClient(ClientName).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
                if ((int)response.StatusCode < 500)
                {
                    return response;
                }
                response.Dispose();
            }
            catch (HttpRequestException)
            {
                // This address does not answer: the next one may.
            }
        }
        return null;
    }
}
