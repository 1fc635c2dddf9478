using Npgsql;

namespace Steersman.ApiGateway.Storage;

internal static class DatabaseErrors
{
    /// <summary>What the database or the way to it said, within what EF Core wraps around it; null for every other error.</summary>
    public static Exception? Cause(Exception? error) =>
        error is null or NpgsqlException or TimeoutException ? error : Cause(error.InnerException);
}
