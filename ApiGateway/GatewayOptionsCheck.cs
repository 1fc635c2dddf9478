using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Options;

namespace Steersman.ApiGateway;

/// <summary>Refuses to start with settings that would let strangers in, or that nobody could have meant.</summary>
internal sealed class GatewayOptionsCheck : IValidateOptions<GatewayOptions>
{
    private const int ShortestKey = 20;
    private static readonly TimeSpan s_shortestSigningKey = TimeSpan.FromMinutes(10);

    public ValidateOptionsResult Validate(string? name, GatewayOptions options)
    {
        string[] mistakes = [.. Mistakes(options)];
        return mistakes.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(mistakes);
    }

    private static IEnumerable<string> Mistakes(GatewayOptions options)
    {
        // An unset variable of a compose file is an empty key, which everybody has.
        foreach (var agent in options.AgentKeys.Where(pair => pair.Value.Length < ShortestKey).Select(pair => pair.Key))
        {
            yield return $"Gateway:AgentKeys:{agent} must have at least {ShortestKey} characters.";
        }
        foreach (var proxy in options.Proxies.Where(proxy => !IPAddress.TryParse(proxy, out _) && !IPNetwork.TryParse(proxy, out _)))
        {
            yield return $"Gateway:Proxies: {proxy} is neither an address nor a network.";
        }
        if (options.FirstUser is { } first && !new EmailAddressAttribute().IsValid(first.Email))
        {
            yield return "Gateway:FirstUser:Email is not an address.";
        }
        if (options.SigningKeyLifetime < s_shortestSigningKey)
        {
            yield return $"Gateway:SigningKeyLifetime must be at least {s_shortestSigningKey}.";
        }
    }
}
