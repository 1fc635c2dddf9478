using System.Runtime.InteropServices;
using System.Text.Json;
using Steersman.ApiGateway.Agents;

namespace Steersman.ApiGateway.Live;

/// <summary>The text of the thought that streams, in the pieces in which it came. Not safe for threads by itself.</summary>
internal sealed class TailText
{
    private const int MaxBytes = 1024 * 1024;
    private readonly List<JsonElement> _pieces = [];
    private int _bytes;
    private int _thought;

    public void Add(IReadOnlyList<JsonElement> deltas)
    {
        foreach (var delta in deltas)
        {
            // A source that begins again sends the whole text: what was here is in it, or is void.
            if (IsBeginning(delta) || _bytes > MaxBytes)
            {
                Forget();
            }
            _pieces.Add(delta);
            _bytes += JsonMarshal.GetRawUtf8Value(delta).Length;
        }
    }

    public void Forget()
    {
        if (_pieces.Count > 0)
        {
            _pieces.Clear();
            _bytes = 0;
            _thought++;
        }
    }

    /// <summary>The pieces behind a cursor, and the cursor behind them.</summary>
    public (IReadOnlyList<JsonElement> Deltas, TextCursor Cursor) After(TextCursor cursor)
    {
        var seen = cursor.Thought == _thought ? cursor.Pieces : 0;
        IReadOnlyList<JsonElement> deltas = seen == _pieces.Count ? [] : _pieces.GetRange(seen, _pieces.Count - seen);
        return (deltas, new TextCursor(_thought, _pieces.Count));
    }

    private static bool IsBeginning(JsonElement delta) =>
        RawJson.Find(delta, "offset", JsonValueKind.Number) is { } offset && offset.TryGetInt32(out var units) && units == 0;
}
