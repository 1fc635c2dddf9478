namespace Steersman.ApiGateway;

/// <summary>The section <c>Gateway</c> of the configuration. Databases are connection strings: <c>gatewaydb</c>, and <c>redis</c> if there is one.</summary>
internal sealed record GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary>REST addresses of agents, beside those that agents say of themselves; needed where no agent dials this replica.</summary>
    public IReadOnlyList<Uri> AgentUrls { get; init; } = [];

    /// <summary>Agents' keys by the agents' names, beside those that admins make.</summary>
    public IReadOnlyDictionary<string, string> AgentKeys { get; init; } = new Dictionary<string, string>();

    /// <summary>The first user, an admin. Without it a one-time code is printed at the first start.</summary>
    public FirstUserOptions? FirstUser { get; init; }

    /// <summary>Origins of pages that may use the API with a cookie, beside the gateway's own.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>Addresses, or networks such as 10.0.0.0/8, of the proxies in front whose <c>X-Forwarded-*</c> headers are true.</summary>
    public IReadOnlyList<string> Proxies { get; init; } = [];

    public LimitOptions Limits { get; init; } = new();

    /// <summary>How long a browser's session lasts without use.</summary>
    public TimeSpan SessionLifetime { get; init; } = TimeSpan.FromDays(14);

    /// <summary>How long it lasts at most, used or not: a stolen cookie is not renewed for ever.</summary>
    public TimeSpan SessionMaxLifetime { get; init; } = TimeSpan.FromDays(90);

    /// <summary>How long a token for the agent is valid: minted for each request, so only clocks and long requests matter.</summary>
    public TimeSpan AgentTokenLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long an agent's connection to the hub lasts before it shows its key again.</summary>
    public TimeSpan HubTokenLifetime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How often the key that signs tokens is replaced.</summary>
    public TimeSpan SigningKeyLifetime { get; init; } = TimeSpan.FromDays(30);
}

internal sealed record FirstUserOptions
{
    public required string Email { get; init; }

    public required string Password { get; init; }
}

/// <summary>How much one user, or one address that has not said who it is, may ask.</summary>
internal sealed record LimitOptions
{
    public int RequestsPerSecond { get; init; } = 50;

    public int RequestBurst { get; init; } = 200;

    /// <summary>Attempts to sign in or to use a code, from one address.</summary>
    public int SignInsPerMinute { get; init; } = 20;

    /// <summary>Exchanges of agents' keys for hub tokens, from one address.</summary>
    public int AgentKeysPerMinute { get; init; } = 600;

    public int ConnectionsPerUser { get; init; } = 50;

    public int WatchesPerConnection { get; init; } = 200;

    public int HubCallsPerSecond { get; init; } = 50;

    public int HubCallBurst { get; init; } = 200;

    /// <summary>How long a request may wait for its answer; streams and uploads are told apart.</summary>
    public TimeSpan AnswerTime { get; init; } = TimeSpan.FromSeconds(30);

    public long RequestBytes { get; init; } = 1024 * 1024;

    /// <summary>Of an archive that becomes a workspace.</summary>
    public long UploadBytes { get; init; } = 256L * 1024 * 1024;
}
