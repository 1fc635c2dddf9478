using System.Globalization;
using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Contract.Views;

/// <summary>The sum over a task's log.</summary>
public sealed record Spent(
    int Steps = 0,
    long InputTokens = 0,
    long OutputTokens = 0,
    double CostUsd = 0,
    double Seconds = 0)
{
    internal Spent Plus(Usage usage) => this with
    {
        InputTokens = InputTokens + usage.InputTokens,
        OutputTokens = OutputTokens + usage.OutputTokens,
        CostUsd = Rounded(CostUsd + usage.CostUsd, "F9"),
    };

    internal Spent Plus(TimeSpan held) => this with { Seconds = Rounded(Seconds + held.TotalSeconds, "F3") };

    // Math.Round multiplies first, which can carry a number over a half. Formatting rounds the number that is
    // there, as Python's round does: both languages must come to the same view.
    private static double Rounded(double number, string format) => double.Parse(
        number.ToString(format, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
