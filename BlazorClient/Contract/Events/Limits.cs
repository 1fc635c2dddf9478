namespace Steersman.BlazorClient.Contract.Events;

/// <summary>Bounds of one task and all that it delegates.</summary>
/// <remarks>
/// <c>MaxSeconds</c> is time held by a worker; waiting is free. <c>MaxChildren</c> counts those that ended too; below a
/// task <c>MaxDepth</c> levels may follow.
/// </remarks>
public sealed record Limits(
    int MaxSteps = 50,
    long? MaxTokens = null,
    double? MaxCostUsd = null,
    double MaxSeconds = 3600,
    int MaxChildren = 8,
    int MaxDepth = 3)
{
    internal bool AreUsedUpBy(Spent spent) =>
        spent.Steps >= MaxSteps
        || spent.InputTokens + spent.OutputTokens >= MaxTokens
        || spent.CostUsd >= MaxCostUsd
        || spent.Seconds >= MaxSeconds;
}
