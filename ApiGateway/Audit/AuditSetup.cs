namespace Steersman.ApiGateway.Audit;

internal static class AuditSetup
{
    public static void AddAudit(this WebApplicationBuilder builder) => builder.Services.AddScoped<AuditLog>();

    public static void UseAccessAudit(this WebApplication app) =>
        app.Use(ActivatorUtilities.CreateInstance<AccessAudit>(app.Services).NoteAsync);
}
