namespace Steersman.BlazorClient.Contract.Answers;

/// <summary>What is wrong (RFC 9457), for programs (<c>Code</c>) and for people (<c>Detail</c> says what to do).</summary>
/// <remarks><c>Errors</c> names the fields that are wrong; only with the code <c>invalid</c>.</remarks>
public sealed record Problem(
    string Type,
    string Title,
    int Status,
    string Code,
    string Detail,
    IReadOnlyList<FieldProblem>? Errors = null);

/// <summary>What is wrong with one field.</summary>
public sealed record FieldProblem(string Field, string Message);
