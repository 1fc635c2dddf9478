using System.Globalization;

namespace Steersman.BlazorClient.Contract.Events;

/// <summary>The sum over a task's log, with what its ended children have spent.</summary>
public sealed record Spent(
    int Steps = 0,
    long InputTokens = 0,
    long OutputTokens = 0,
    double CostUsd = 0,
    double Seconds = 0)
{
    /// <summary>Returns what may be spent at most within these limits; one that is not set counts as nothing.</summary>
    internal static Spent AtMost(IReadOnlyCollection<Limits> limits) => new(
        limits.Sum(one => one.MaxSteps),
        // Of a task without a limit they may be so many that a checked sum would throw.
        limits.Aggregate(0L, (sum, one) => sum + (one.MaxTokens ?? 0)),
        0,
        Rounded(limits.Sum(one => one.MaxCostUsd ?? 0), "F9"),
        limits.Sum(one => one.MaxSeconds));

    internal Spent Plus(Usage usage) => this with
    {
        InputTokens = InputTokens + usage.InputTokens,
        OutputTokens = OutputTokens + usage.OutputTokens,
        CostUsd = Rounded(CostUsd + usage.CostUsd, "F9"),
    };

    internal Spent Plus(Spent other) => new(
        Steps + other.Steps,
        InputTokens + other.InputTokens,
        OutputTokens + other.OutputTokens,
        Rounded(CostUsd + other.CostUsd, "F9"),
        Rounded(Seconds + other.Seconds, "F3"));

    internal Spent Plus(TimeSpan held) => this with { Seconds = Rounded(Seconds + held.TotalSeconds, "F3") };

    // Math.Round multiplies first, which can carry a number over a half. Formatting rounds the number that is
    // there, as Python's round does: both languages must come to the same view.
    private static double Rounded(double number, string format) => double.Parse(
        number.ToString(format, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
