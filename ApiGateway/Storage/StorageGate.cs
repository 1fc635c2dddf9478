using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Storage;

/// <summary>Whether the database was reached and its tables are those of this version.</summary>
internal sealed class StorageGate
{
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsOpen => _open.Task.IsCompletedSuccessfully;

    public Task Opened => _open.Task;

    public void Open() => _open.TrySetResult();

    public Task HoldAsync(HttpContext context, RequestDelegate next) =>
        IsOpen ? next(context) : Problems.Unavailable("starting", "The gateway waits for its database.").ExecuteAsync(context);
}
