using System.Diagnostics;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>Waits for what nothing announces.</summary>
internal static class Until
{
    public static async Task TrueAsync(Func<bool> isSo)
    {
        var waited = Stopwatch.StartNew();
        while (!isSo())
        {
            Assert.True(waited.Elapsed < Stage.Patience, "it did not come");
            await Task.Delay(TimeSpan.FromMilliseconds(10));
        }
    }
}
