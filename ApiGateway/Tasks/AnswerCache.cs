using System.Security.Cryptography;
using Microsoft.Extensions.Caching.Hybrid;
using Steersman.ApiGateway.Auth;

namespace Steersman.ApiGateway.Tasks;

/// <summary>An agent's answer. <c>Tag</c> changes with its bytes.</summary>
internal sealed record CachedAnswer(byte[] Body, string Tag, DateTimeOffset At)
{
    public static CachedAnswer Of(byte[] body, DateTimeOffset at) => new(body, $"\"{Convert.ToHexStringLower(SHA256.HashData(body))[..32]}\"", at);
}

/// <summary>
/// Answers of agents that do not change: of this process, and of all replicas where there is a Redis. What an agent deletes is
/// not noticed here, so none is kept for longer than its lifetime, whatever copies of copies there are.
/// </summary>
internal sealed class AnswerCache(HybridCache cache, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);
    private static readonly HybridCacheEntryOptions s_keep = new() { Expiration = Lifetime, LocalCacheExpiration = Lifetime };
    private static readonly HybridCacheEntryOptions s_look = new() { Flags = HybridCacheEntryFlags.DisableUnderlyingData };

    /// <summary>A task's view is kept for one person: an agent has judged that it is theirs.</summary>
    public static string KeyOf(Watcher watcher, Guid taskId) => $"view:{watcher.UserId}:{taskId}";

    public async ValueTask<CachedAnswer?> FindAsync(string key, CancellationToken cancellationToken)
    {
        var found = await cache.GetOrCreateAsync<CachedAnswer?>(key, _ => default, s_look, cancellationToken: cancellationToken);
        return found is not null && found.At + Lifetime > time.GetUtcNow() ? found : null;
    }

    public async ValueTask<CachedAnswer> KeepAsync(string key, byte[] body, CancellationToken cancellationToken)
    {
        var answer = CachedAnswer.Of(body, time.GetUtcNow());
        await cache.SetAsync(key, answer, s_keep, cancellationToken: cancellationToken);
        return answer;
    }

    public ValueTask ForgetAsync(string key) => cache.RemoveAsync(key);
}
