using System.Collections.Concurrent;

namespace Steersman.ApiGateway.Agents;

/// <summary>
/// Closes the connections of an agent whose key was revoked: at once when that happened here, else within seconds.
/// </summary>
internal sealed partial class AgentConnections(
    AgentRevocations revocations, IServiceScopeFactory scopes, TimeProvider time, ILogger<AgentConnections> logger) : BackgroundService
{
    private static readonly TimeSpan s_sweepTime = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, (string Agent, Action Abort)> _open = new();

    public void Add(string connectionId, string agent, Action abort) => _open[connectionId] = (agent, abort);

    public void Remove(string connectionId) => _open.TryRemove(connectionId, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        revocations.Revoked += Close;
        using var sweep = new PeriodicTimer(s_sweepTime, time);
        try
        {
            while (await sweep.WaitForNextTickAsync(stoppingToken))
            {
                await SweepAsync(stoppingToken);
            }
        }
        finally
        {
            revocations.Revoked -= Close;
        }
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var keys = scope.ServiceProvider.GetRequiredService<AgentKeys>();
            foreach (var agent in _open.Values.Select(connection => connection.Agent).Distinct())
            {
                if (!await keys.IsCurrentAsync(agent, cancellationToken))
                {
                    Close(agent);
                }
            }
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // A boundary: while the database does not answer nobody is sent away, and the gateway must not end.
            Log.NotSwept(logger, error);
        }
    }

    private void Close(string agent)
    {
        foreach (var connection in _open.Values.Where(connection => connection.Agent == agent))
        {
            connection.Abort();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "action=agent_keys_not_checked")]
        public static partial void NotSwept(ILogger logger, Exception error);
    }
}
