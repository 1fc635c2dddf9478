using System.Globalization;
using System.Text;

namespace Steersman.BlazorClient.Contract.Views;

/// <summary>Cuts the texts of a view as the agent does, so that it stays small.</summary>
internal static class ShownText
{
    // As JSON writes it, without its quotes.
    private const int TextLimitBytes = 4_000;

    private const int LineLimitBytes = 120;

    public static string Cut(string text) => CutForJson(text, TextLimitBytes);

    public static string CutLine(string line) => CutForJson(line, LineLimitBytes);

    // Not for JSON: with quotes in it, it is a little longer there.
    public static string CutReason(string reason) => HeadAndTail(reason, LineLimitBytes);

    private static string CutForJson(string text, int limit)
    {
        var room = limit;
        var shown = HeadAndTail(text, room);
        while (JsonBytes(shown) > limit)
        {
            room = room * 3 / 4;
            shown = HeadAndTail(text, room);
        }
        return shown;
    }

    /// <summary>Keeps the first and last part; the middle becomes one line that says how much is gone.</summary>
    private static string HeadAndTail(string text, int limit)
    {
        var raw = Encoding.UTF8.GetBytes(text);
        if (raw.Length <= limit)
        {
            return text;
        }
        var note = string.Create(
            CultureInfo.InvariantCulture, $"\n… {raw.Length - limit:N0} of {raw.Length:N0} bytes cut here …\n");
        var room = Math.Max(limit - Encoding.UTF8.GetByteCount(note), 0);
        return Head(raw, room * 2 / 3) + note + Tail(raw, room / 3);
    }

    // A character that is cut in two is left out.
    private static string Head(byte[] raw, int length)
    {
        while (length > 0 && IsInsideCharacter(raw[length]))
        {
            length--;
        }
        return Encoding.UTF8.GetString(raw, 0, length);
    }

    private static string Tail(byte[] raw, int length)
    {
        var start = raw.Length - length;
        while (start < raw.Length && IsInsideCharacter(raw[start]))
        {
            start++;
        }
        return Encoding.UTF8.GetString(raw, start, raw.Length - start);
    }

    private static bool IsInsideCharacter(byte unit) => (unit & 0xC0) == 0x80;

    private static int JsonBytes(string text)
    {
        var escapes = 0;
        foreach (var c in text)
        {
            escapes += c switch
            {
                '"' or '\\' or '\n' or '\r' or '\t' or '\b' or '\f' => 1,
                < ' ' => 5,
                _ => 0,
            };
        }
        return Encoding.UTF8.GetByteCount(text) + escapes;
    }
}
