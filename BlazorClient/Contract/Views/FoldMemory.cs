using System.Collections.Immutable;

namespace Steersman.BlazorClient.Contract.Views;

/// <summary>What a view does not show but the next event may depend on.</summary>
/// <param name="IsClaimed">Whether a worker ever began: tells running from queued once nothing stands in the way.</param>
/// <param name="Begun">The epoch in which each action was begun that has no outcome yet.</param>
/// <param name="Team">What decides whether the task waits for those that it has delegated.</param>
internal sealed record FoldMemory(bool IsClaimed, ImmutableDictionary<string, int> Begun, TeamMemory Team)
{
    public static FoldMemory Empty { get; } = new(false, ImmutableDictionary<string, int>.Empty, TeamMemory.Empty);

    /// <summary>Returns the memory of a view; of one that a server made, what can be told from it.</summary>
    /// <remarks>
    /// A task that is paused before its first thought may or may not have been claimed: then it counts as queued,
    /// until the worker that goes on with it claims it.
    /// </remarks>
    public static FoldMemory Of(TaskView view) => view.Memory ?? Empty with
    {
        IsClaimed = view.State switch
        {
            TaskPhase.Queued => false,
            TaskPhase.Waiting => view.Step > 0 || view.WaitingFor.Any(blocker => blocker != Blocker.Pause),
            _ => true,
        },
        Team = TeamMemory.Told(view),
    };

    public bool IsAtWork(int epoch) => Begun.ContainsValue(epoch);

    public FoldMemory With(string actionId, int epoch) => this with { Begun = Begun.SetItem(actionId, epoch) };

    public FoldMemory Without(string actionId) => this with { Begun = Begun.Remove(actionId) };
}
