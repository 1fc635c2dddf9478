using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Contract.Deltas;

/// <summary>The text of one task's newest thought while it streams, however its deltas overlap.</summary>
/// <remarks>
/// A thought that is begun again, because its model call failed or a message cut it, streams from offset 0 again.
/// Of a very long text the beginning goes: <c>Start</c> is the offset of what is left.
/// </remarks>
public sealed record PartialText(Thought Thought, int Start, string Text)
{
    /// <summary>Kept of one thought, in UTF-16 units.</summary>
    public const int MaxUnits = 256 * 1024;

    public static PartialText None { get; } = new(default, 0, "");

    private int End => Start + Text.Length;

    /// <summary>Takes what is new in a delta; one of an older thought is void.</summary>
    public PartialText Add(Delta delta)
    {
        if (delta.Thought < Thought)
        {
            return this;
        }
        var goesOn = delta.Thought == Thought && Continues(delta);
        return (goesOn ? Merge(delta) : Begin(delta)).Bound();
    }

    /// <summary>Takes note of the log: what it holds or has given up no longer streams.</summary>
    public PartialText After(TaskEvent fact) => fact switch
    {
        ThoughtRecorded { Interrupted: false } thought => Expect(new(fact.Epoch, thought.Step + 1)),
        ThoughtRecorded thought => Again(new(fact.Epoch, thought.Step)),
        ModelCallFailed failed => Again(new(fact.Epoch, failed.Step)),
        _ => Expect(new(fact.Epoch, 0)),
    };

    // A delta may be ahead of the log: then its text stays.
    private PartialText Expect(Thought next) => next > Thought ? new(next, 0, "") : this;

    private PartialText Again(Thought thought) => thought >= Thought ? new(thought, 0, "") : this;

    /// <summary>Says whether a delta touches the text and agrees with it where they overlap.</summary>
    private bool Continues(Delta delta)
    {
        if (delta.Offset > End || delta.Offset + delta.Text.Length < Start)
        {
            return false;
        }
        var here = Text.AsSpan(Math.Max(delta.Offset - Start, 0));
        var there = delta.Text.AsSpan(Math.Max(Start - delta.Offset, 0));
        var common = Math.Min(here.Length, there.Length);
        return here[..common].SequenceEqual(there[..common]);
    }

    private PartialText Begin(Delta delta)
    {
        // Deltas of the new attempt that said the same as the old one went unnoticed: they are the beginning of its text.
        var same = delta.Thought == Thought && Start <= delta.Offset && delta.Offset <= End;
        return same
            ? this with { Text = string.Concat(Text.AsSpan(0, delta.Offset - Start), delta.Text) }
            : new(delta.Thought, delta.Offset, delta.Text);
    }

    private PartialText Merge(Delta delta)
    {
        var start = Math.Min(Start, delta.Offset);
        var before = delta.Text.AsSpan(0, Start - start);
        var known = Math.Min(End - delta.Offset, delta.Text.Length);
        var text = string.Concat(before, Text, delta.Text.AsSpan(known));
        return new(Thought, start, text);
    }

    private PartialText Bound()
    {
        var beyond = Text.Length - MaxUnits;
        return beyond > 0 ? this with { Start = Start + beyond, Text = Text[beyond..] } : this;
    }
}
