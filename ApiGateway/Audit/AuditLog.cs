using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Audit;

/// <summary>Adds entries to what is being saved: a change and its entry are written together or not at all.</summary>
internal sealed class AuditLog(GatewayDb db, IHttpContextAccessor http, TimeProvider time)
{
    public void Add(string action, string? actor = null, string? subject = null, string? detail = null)
    {
        var context = http.HttpContext;
        db.AuditEntries.Add(new AuditEntry
        {
            At = time.GetUtcNow(),
            Action = action,
            Actor = actor ?? context?.User.FindFirst(Claims.Subject)?.Value,
            Subject = subject,
            RemoteAddress = context?.Connection.RemoteIpAddress?.ToString(),
            Detail = detail,
        });
    }

    /// <summary>For what changes nothing else.</summary>
    public Task WriteAsync(string action, string? actor = null, string? subject = null, string? detail = null, CancellationToken cancellationToken = default)
    {
        Add(action, actor, subject, detail);
        return db.SaveChangesAsync(cancellationToken);
    }
}
