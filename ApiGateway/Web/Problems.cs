using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Web;

/// <summary>Failures as people and programs read them: RFC 9457 with a stable <c>code</c> and a <c>detail</c> that says what to do.</summary>
internal static class Problems
{
    public static ProblemHttpResult Of(int status, string code, string detail) =>
        TypedResults.Problem(detail, statusCode: status, extensions: [new("code", code)]);

    public static ProblemHttpResult Invalid(string detail) => Of(StatusCodes.Status422UnprocessableEntity, "invalid", detail);

    public static ProblemHttpResult NotFound(string what) => Of(StatusCodes.Status404NotFound, $"{what}_not_found", $"There is no such {what}, or it is not yours.");

    public static IResult Unavailable(string code, string detail) => new RetryLater(Of(StatusCodes.Status503ServiceUnavailable, code, detail));

    public static void AddProblems(this WebApplicationBuilder builder) =>
        builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = Complete)
            .Configure<ExceptionHandlerOptions>(options => options.StatusCodeSelector = StatusOf);

    /// <summary>The code of an answer that the framework makes by itself.</summary>
    public static string CodeOf(int status) => status switch
    {
        400 => "malformed",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        413 => "too_large",
        415 => "unsupported_media_type",
        422 => "invalid",
        429 => "too_many_requests",
        502 or 503 => "unavailable",
        504 => "timeout",
        _ => "failed",
    };

    private static void Complete(ProblemDetailsContext context)
    {
        var status = context.ProblemDetails.Status ?? context.HttpContext.Response.StatusCode;
        context.ProblemDetails.Extensions.TryAdd("code", CodeOf(status));
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            context.HttpContext.Response.Headers.RetryAfter = "1";
        }
    }

    /// <summary>A database that is away is no fault of the request, nor of ours: it comes back.</summary>
    private static int StatusOf(Exception error) => error switch
    {
        BadHttpRequestException bad => bad.StatusCode,
        _ when DatabaseErrors.Cause(error) is TimeoutException or NpgsqlException { IsTransient: true } => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    private sealed class RetryLater(ProblemHttpResult problem) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.RetryAfter = "1";
            return problem.ExecuteAsync(httpContext);
        }
    }
}
