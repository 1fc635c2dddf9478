using System.Net.Sockets;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using StackExchange.Redis;

namespace Steersman.ApiGateway.Storage;

/// <summary>Copies of what agents have answered: in this process, and in Redis for all replicas where there is one.</summary>
internal static class CacheSetup
{
    public const string ConnectionName = "redis";

    public static void AddCache(this WebApplicationBuilder builder)
    {
        builder.Services.AddHybridCache();
        if (builder.Configuration.GetConnectionString(ConnectionName) is not { Length: > 0 } redis)
        {
            return;
        }
        var options = RedisLine.Read(redis);
        builder.Services.AddSingleton(_ => new RedisLine(options));
        builder.Services.AddStackExchangeRedisCache(_ => { });
        builder.Services.AddOptions<RedisCacheOptions>().Configure<RedisLine>((options, line) =>
        {
            options.InstanceName = "steersman:gateway:";
            options.ConnectionMultiplexerFactory = line.ConnectAsync;
        });
    }
}

/// <summary>The one connection to Redis. It may vanish at any time: whoever asks then waits for nothing.</summary>
internal sealed class RedisLine(ConfigurationOptions options) : IAsyncDisposable
{
    private const int PatienceMilliseconds = 300;
    private const string Socket = "unix:";
    private readonly Lazy<Task<IConnectionMultiplexer>> _connection = new(async () => await ConnectionMultiplexer.ConnectAsync(options));

    /// <summary>Read <c>host:port,option=value</c>, or <c>unix:/path</c>, which the library does not know.</summary>
    public static ConfigurationOptions Read(string address)
    {
        var parts = address.Split(',', 2);
        var options = (parts[0].StartsWith(Socket, StringComparison.Ordinal), parts.Length) switch
        {
            (false, _) => ConfigurationOptions.Parse(address),
            (true, 1) => new ConfigurationOptions(),
            _ => ConfigurationOptions.Parse(parts[1]),
        };
        if (options.EndPoints.Count == 0)
        {
            options.EndPoints.Add(new UnixDomainSocketEndPoint(parts[0][Socket.Length..]));
        }
        options.AbortOnConnectFail = false;
        options.AsyncTimeout = PatienceMilliseconds;
        options.SyncTimeout = PatienceMilliseconds;
        options.ConnectTimeout = PatienceMilliseconds;
        options.BacklogPolicy = BacklogPolicy.FailFast;
        return options;
    }

    public Task<IConnectionMultiplexer> ConnectAsync() => _connection.Value;

    public async ValueTask DisposeAsync()
    {
        if (_connection.IsValueCreated)
        {
            await (await _connection.Value).DisposeAsync();
        }
    }
}
