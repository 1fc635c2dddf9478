using Microsoft.OpenApi;
using Scalar.AspNetCore;
using Steersman.ApiGateway.Web;

namespace Steersman.ApiGateway.Tasks;

/// <summary>The API for those who read: its document, and a page that shows it. Both need no user.</summary>
internal static class DocsSetup
{
    private const string Description =
        "A self-hosted team of AI agents. Everything that happens to a task is an event in its log, numbered from 1 without gaps: "
        + "read the log by pages, follow it live as server-sent events, resume with the last number that you saw. "
        + "A change that a cookie authorises carries X-CSRF-Token, which GET /api/session tells.";

    public static void AddDocs(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ApiDocument>();
        builder.Services.AddOpenApi(ApiDocument.Name, options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            options.ShouldInclude = route => route.RelativePath?.StartsWith("api/", StringComparison.Ordinal) == true;
            options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info = new OpenApiInfo { Title = "Steersman", Version = "1", Description = Description };
                return Task.CompletedTask;
            });
        });
    }

    public static void MapDocs(this WebApplication app)
    {
        app.MapGet("/api/openapi.json", ReadAsync).ExcludeFromDescription().AllowAnonymous().WithRequestTimeout(Limits.Answer);
        // Its scripts come from here, and it asks nobody else.
        app.MapScalarApiReference("/docs", options => options
            .WithTitle("Steersman API")
            .WithOpenApiRoutePattern("/api/openapi.json")
            .DisableAgent()
            .DisableDefaultFonts()
            .DisableMcp()
            .DisableTelemetry()
            .WithNonce())
            .ExcludeFromDescription().AllowAnonymous();
    }

    private static async Task<IResult> ReadAsync(ApiDocument document, AnswerCache cache, HttpContext context)
    {
        const string key = "openapi";
        var answer = await cache.FindAsync(key, context.RequestAborted)
            ?? await cache.KeepAsync(key, await document.ReadAsync(context.RequestAborted), context.RequestAborted);
        return CachedReads.Tagged(answer, context.Response);
    }
}
