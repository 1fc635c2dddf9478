using System.Text.Json;
using Steersman.ApiGateway.Agents;
using Steersman.ApiGateway.Live;

namespace Steersman.ApiGateway.Tests.Live;

public sealed class TailTests
{
    [Fact]
    public void Before_it_is_open_there_is_nothing_and_then_it_wakes_who_waits()
    {
        var tail = new Tail();
        var read = Read(tail, 0);

        tail.Open(7, isFinal: false);

        Assert.True(read.Batch.IsEmpty);
        Assert.True(read.News.IsCompleted);
        Assert.Equal(7, tail.Last);
        Assert.Null(tail.Read(6, default));
    }

    [Fact]
    public void What_comes_before_a_hole_is_taken_and_wakes_who_waits()
    {
        var tail = Opened();
        var read = Read(tail, 0);

        var fits = tail.Append(Events(1, 2, 4, 5), []);

        Assert.False(fits);
        Assert.True(read.News.IsCompleted);
        Assert.Equal([1, 2], Seqs(Read(tail, 0)));
        Assert.True(tail.Append(Events(1, 2, 3), []));
        Assert.Equal([3], Seqs(Read(tail, 2)));
    }

    [Fact]
    public void Nothing_comes_after_a_final_event()
    {
        var tail = Opened();
        tail.Append([Event(1), Event(2, "task_stopped"), Event(3)], [Delta(0, "a")]);

        var read = Read(tail, 0);

        Assert.Equal([1, 2], Seqs(read));
        Assert.Empty(read.Batch.Deltas);
        Assert.True(read.IsEnd);
        Assert.True(tail.IsFinal);
    }

    [Fact]
    public void A_viewer_that_is_not_at_the_end_is_not_told_that_it_is()
    {
        var tail = Opened();
        tail.Append([.. Enumerable.Range(1, 200).Select(seq => Event(seq)), Event(201, "task_failed")], []);

        var first = Read(tail, 0);
        var second = Read(tail, first.Batch.Events[^1].Seq);

        Assert.False(first.IsEnd);
        Assert.True(second.IsEnd);
        Assert.Equal(201, second.Batch.Events[^1].Seq);
    }

    [Fact]
    public void Viewers_at_the_same_place_are_given_the_same()
    {
        var tail = Opened();
        tail.Append(Events(1, 2), []);

        Assert.Same(Read(tail, 1).Batch, Read(tail, 1).Batch);
    }

    [Fact]
    public void It_is_bounded_in_events_and_in_bytes()
    {
        var many = Opened();
        var large = Opened();
        for (var seq = 1; seq <= 5_000; seq++)
        {
            many.Append([Event(seq)], []);
            large.Append([Event(seq, text: new string('x', 50_000))], []);
        }

        Assert.InRange(Held(many), Tail.MaxEvents / 2, Tail.MaxEvents);
        Assert.InRange(Held(large) * 50_000L, Tail.MaxBytes / 2, Tail.MaxBytes);
    }

    [Fact]
    public void A_batch_is_bounded_in_bytes_but_has_one_event_at_least()
    {
        var tail = Opened();
        tail.Append([.. Enumerable.Range(1, 3).Select(seq => Event(seq, text: new string('x', 200_000)))], []);

        Assert.Equal([1], Seqs(Read(tail, 0)));
        Assert.Equal([2], Seqs(Read(tail, 1)));
    }

    [Fact]
    public void A_late_joiner_gets_the_text_so_far_until_its_thought_is_over()
    {
        var tail = Opened();
        tail.Append(Events(1), [Delta(0, "I look"), Delta(6, " around")]);
        var early = Read(tail, 0);
        tail.Append([], [Delta(13, "!")]);

        Assert.Equal(["!"], Texts(Read(tail, 1, early.Text)));
        Assert.Equal(["I look", " around", "!"], Texts(Read(tail, 0)));
        tail.Append([Event(2, "thought_recorded")], []);
        Assert.Empty(Texts(Read(tail, 0)));
        Assert.Empty(Texts(Read(tail, 1, early.Text)));
    }

    [Fact]
    public void Text_that_begins_again_takes_the_place_of_what_was_there()
    {
        var tail = Opened();
        tail.Append([], [Delta(0, "I look"), Delta(6, " around")]);
        var before = Read(tail, 0);

        tail.Append([], [Delta(0, "I look around now")]);

        Assert.Equal(["I look around now"], Texts(Read(tail, 0, before.Text)));
        Assert.Equal(["I look around now"], Texts(Read(tail, 0)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(20261126)]
    public void Whatever_a_source_does_and_whenever_viewers_look_each_sees_every_event_once_and_in_order(int seed)
    {
        var random = new Random(seed);
        var tail = Opened();
        var viewers = Enumerable.Range(0, 5).Select(_ => new List<long>()).ToArray();
        var pages = 0;
        for (var round = 0; round < 20_000; round++)
        {
            if (random.Next(3) == 0)
            {
                var from = Math.Max(1, tail.Last + 1 - random.Next(4) + random.Next(3));
                var fits = tail.Append([.. Enumerable.Range(0, random.Next(40)).Select(n => Event(from + n))], [Delta(random.Next(2), "a")]);
                Assert.True(fits || from > tail.Last);
            }
            // The first one looks often, the last one hardly ever.
            pages += Look(tail, viewers[(int)(viewers.Length * Math.Pow(random.NextDouble(), 3))], random.Next(3));
        }

        foreach (var seen in viewers)
        {
            while (seen.Count < tail.Last)
            {
                pages += Look(tail, seen, 1);
            }
            Assert.Equal(Enumerable.Range(1, (int)tail.Last).Select(seq => (long)seq), seen);
        }
        Assert.True(pages > 0, "somebody was left behind");
    }

    private static int Look(Tail tail, List<long> seen, int times)
    {
        var pages = 0;
        for (; times > 0; times--)
        {
            if (tail.Read(seen.Count, default) is { } read)
            {
                seen.AddRange(Seqs(read));
            }
            else
            {
                seen.Add(seen.Count + 1); // what the log would give
                pages++;
            }
        }
        return pages;
    }

    private static int Held(Tail tail)
    {
        var after = tail.Last;
        while (tail.Read(after - 1, default) is not null)
        {
            after--;
        }
        return (int)(tail.Last - after);
    }

    private static Tail Opened()
    {
        var tail = new Tail();
        tail.Open(0, isFinal: false);
        return tail;
    }

    private static TailNews Read(Tail tail, long after, TextCursor text = default)
    {
        var read = tail.Read(after, text);
        Assert.NotNull(read);
        return read;
    }

    private static IEnumerable<long> Seqs(TailNews read) => read.Batch.Events.Select(one => one.Seq);

    private static IEnumerable<string?> Texts(TailNews read) => read.Batch.Deltas.Select(delta => delta.GetProperty("text").GetString());

    private static LogEvent[] Events(params IEnumerable<long> seqs) => [.. seqs.Select(seq => Event(seq))];

    private static LogEvent Event(long seq, string type = "action_started", string text = "") =>
        LogEvent.Of(JsonSerializer.SerializeToElement(new { type, seq, text }));

    private static JsonElement Delta(int offset, string text) => JsonSerializer.SerializeToElement(new { type = "delta", offset, text });
}
