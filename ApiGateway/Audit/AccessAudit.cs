using Microsoft.Extensions.Caching.Memory;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Audit;

/// <summary>Notes what a request came to: an approval that was decided, and whoever was refused or asked for what is not theirs.</summary>
internal sealed partial class AccessAudit(IMemoryCache noted, ILogger<AccessAudit> logger)
{
    private const int LongestPath = 500;
    private static readonly TimeSpan s_silence = TimeSpan.FromMinutes(1);

    public async Task NoteAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        if (ActionOf(context) is { } action && (action != AuditAction.AccessDenied || IsNew(context)))
        {
            await WriteAsync(context, action);
        }
    }

    /// <summary>
    /// Once a minute for each person and way: rows that nobody can delete must not be anybody's to pile up.
    /// </summary>
    private bool IsNew(HttpContext context)
    {
        var who = context.User.FindFirst(Claims.Subject)?.Value ?? context.Connection.RemoteIpAddress?.ToString();
        var way = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        var denial = (who, context.Request.Method, way, context.Response.StatusCode);
        if (noted.TryGetValue(denial, out _))
        {
            return false;
        }
        noted.Set(denial, true, s_silence);
        return true;
    }

    private static string? ActionOf(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status403Forbidden => AuditAction.AccessDenied,
        // Agents say of other people's things that there are none, and so do we: it may be a slip, or somebody who tries ids.
        StatusCodes.Status404NotFound when context.User.Identity?.IsAuthenticated == true && context.GetEndpoint() is not null => AuditAction.AccessDenied,
        StatusCodes.Status200OK when IsDecision(context.Request) => AuditAction.ApprovalDecided,
        _ => null,
    };

    private static bool IsDecision(HttpRequest request) =>
        HttpMethods.IsPost(request.Method) && request.Path.StartsWithSegments("/api/approvals", StringComparison.Ordinal, out var id) && id.HasValue;

    private async Task WriteAsync(HttpContext context, string action)
    {
        var path = context.Request.Path.Value ?? "";
        var detail = AuditDetail.Of(new { context.Request.Method, context.Response.StatusCode });
        try
        {
            // Who hangs up is noted as well.
            await context.RequestServices.GetRequiredService<AuditLog>()
                .WriteAsync(action, subject: path[..Math.Min(path.Length, LongestPath)], detail: detail, cancellationToken: CancellationToken.None);
        }
        catch (Exception error) when (DatabaseErrors.Cause(error) is not null)
        {
            // It has been answered, and what was decided stands in the task's log.
            Log.Failed(logger, action, path, error.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "action=audit_failed entry={Entry} path={Path} error={Error}")]
        public static partial void Failed(ILogger logger, string entry, string path, string error);
    }
}
