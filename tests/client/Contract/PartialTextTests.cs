using System.Text.Json;
using Steersman.BlazorClient.Contract.Deltas;
using Steersman.BlazorClient.Contract.Events;

namespace Steersman.BlazorClient.Tests.Contract;

public sealed class PartialTextTests
{
    private const string Told = "I read 🚀 both files; Ünïcode and 🙂🙂 are in them.\nThen I write.";

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 50)];

    public static TheoryData<string> Cases =>
        [.. Golden.Read("partial_texts.json").EnumerateObject().Select(one => one.Name)];

    [Fact]
    public void A_delta_is_written_as_it_was_read()
    {
        foreach (var wire in Golden.Read("deltas.json").EnumerateArray())
        {
            var written = Golden.Write(Golden.Parse<Delta>(wire));

            Golden.AssertSame(wire, written);
            Assert.Equal("type", written.EnumerateObject().First().Name);
        }
    }

    [Fact]
    public void Deltas_follow_each_other()
    {
        var deltas = Golden.Read("deltas.json").EnumerateArray().Select(Golden.Parse<Delta>).ToArray();

        var text = deltas.Aggregate(PartialText.None, (partial, delta) => partial.Add(delta));

        Assert.Equal(new PartialText(new(1, 1), 0, "I read 🚀 both files."), text);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Deltas_add_up_to_the_same_texts_as_in_the_agent(string name)
    {
        var text = PartialText.None;
        foreach (var step in Golden.Read("partial_texts.json").GetProperty(name).EnumerateArray())
        {
            text = text.Add(Golden.Parse<Delta>(step.GetProperty("delta")));

            var expected = step.GetProperty("text");
            Assert.Equal(expected.GetProperty("text").GetString(), text.Text);
            Assert.Equal(expected.GetProperty("offset").GetInt32(), text.Start);
            Assert.Equal(
                new Thought(expected.GetProperty("epoch").GetInt32(), expected.GetProperty("step").GetInt32()),
                text.Thought);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void However_deltas_overlap_the_text_is_what_they_cover(int seed)
    {
        var chance = new Random(seed);
        var (start, end) = (0, 0);
        var text = PartialText.None;
        for (var i = 0; i < 40; i++)
        {
            // Somewhere that touches what is there; halves of surrogate pairs are as good as any place.
            var from = i == 0 ? chance.Next(Told.Length) : chance.Next(end + 1);
            var to = chance.Next(Math.Max(from, i == 0 ? from : start), Told.Length + 1);
            text = text.Add(new("t", 1, 1, from, Told[from..to]));
            (start, end) = i == 0 ? (from, to) : (Math.Min(start, from), Math.Max(end, to));

            Assert.Equal(new PartialText(new(1, 1), start, Told[start..end]), text);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_comes_the_newest_thought_is_shown_and_older_ones_are_void(int seed)
    {
        var chance = new Random(seed);
        var text = PartialText.None;
        var newest = default(Thought);
        for (var i = 0; i < 60; i++)
        {
            var thought = new Thought(chance.Next(1, 4), chance.Next(1, 4));
            var from = chance.Next(20);
            var before = text;
            text = text.Add(new("t", thought.Epoch, thought.Step, from, Told.Substring(from, chance.Next(20))));

            newest = thought > newest ? thought : newest;
            Assert.Equal(newest, text.Thought);
            if (thought < newest)
            {
                Assert.Equal(before, text);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_thought_that_is_begun_again_replaces_what_differs(int seed)
    {
        var chance = new Random(seed);
        var first = Told[..chance.Next(1, Told.Length)];
        var same = chance.Next(first.Length);
        var second = string.Concat(Told.AsSpan(0, same), "#", Told.AsSpan(same)); // no # is in the first

        var text = Stream(PartialText.None, first, chance);
        text = Stream(text, second, chance);

        Assert.Equal(new PartialText(new(1, 1), 0, second), text);
    }

    [Fact]
    public void Of_a_very_long_text_the_beginning_goes()
    {
        var chunk = new string('x', 1000);
        var text = PartialText.None;
        for (var i = 0; i < 300; i++)
        {
            text = text.Add(new("t", 1, 1, i * 1000, chunk));
        }

        Assert.Equal(PartialText.MaxUnits, text.Text.Length);
        Assert.Equal(300_000 - PartialText.MaxUnits, text.Start);
    }

    [Fact]
    public void A_thought_that_is_in_the_log_no_longer_streams()
    {
        var streaming = PartialText.None.Add(new("t", 1, 2, 0, "I read"));

        var recorded = streaming.After(Thought(step: 2, epoch: 1, interrupted: false));

        Assert.Equal("", recorded.Text);
        Assert.Equal(recorded, recorded.Add(new("t", 1, 2, 6, " both"))); // a late one
        Assert.Equal("Now", recorded.Add(new("t", 1, 3, 0, "Now")).Text);
    }

    [Fact]
    public void A_thought_that_was_cut_or_failed_is_thought_again()
    {
        var streaming = PartialText.None.Add(new("t", 1, 2, 0, "I read"));
        var failed = new ModelCallFailed(2, "timeout", "It stalled.", new()) { TaskId = "t", Seq = 9, At = default, Epoch = 1 };

        foreach (var over in new[] { streaming.After(failed), streaming.After(Thought(2, 1, interrupted: true)) })
        {
            Assert.Equal("", over.Text);
            Assert.Equal("I look", over.Add(new("t", 1, 2, 0, "I look")).Text);
        }
    }

    [Fact]
    public void A_new_epoch_voids_what_streamed_before_it_and_leaves_what_is_ahead_of_the_log()
    {
        var claimed = new TaskClaimed("w", 2, ClaimReason.Takeover) { TaskId = "t", Seq = 9, At = default, Epoch = 2 };
        var old = PartialText.None.Add(new("t", 1, 2, 0, "I read"));
        var ahead = old.Add(new("t", 2, 2, 0, "I look"));

        Assert.Equal("", old.After(claimed).Text);
        Assert.Equal("", old.After(claimed).Add(new("t", 1, 2, 6, " both")).Text);
        Assert.Equal("I look", ahead.After(claimed).Text);
    }

    private static ThoughtRecorded Thought(int step, int epoch, bool interrupted) =>
        new(step, "I read both files.", "m", new(), 5, [], interrupted) { TaskId = "t", Seq = 9, At = default, Epoch = epoch };

    private static PartialText Stream(PartialText text, string told, Random chance)
    {
        for (var from = 0; from < told.Length;)
        {
            var length = Math.Min(chance.Next(1, 9), told.Length - from);
            text = text.Add(new("t", 1, 1, from, told.Substring(from, length)));
            from += length;
        }
        return text;
    }
}
