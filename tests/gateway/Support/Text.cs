using System.Text.Json;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>The text that streams, as a viewer puts it together from deltas.</summary>
internal sealed class Text
{
    private string _text = "";

    public async Task ReadAsync(IAsyncEnumerable<JsonElement> batches)
    {
        await foreach (var batch in batches)
        {
            foreach (var delta in batch.GetProperty("deltas").EnumerateArray())
            {
                var offset = delta.GetProperty("offset").GetInt32();
                Assert.InRange(offset, 0, _text.Length);
                _text = _text[..offset] + delta.GetProperty("text").GetString();
            }
        }
    }

    public Task UntilAsync(string text) => Until.TrueAsync(() => _text == text);
}
