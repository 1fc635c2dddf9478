using System.Text.Json;

namespace Steersman.ApiGateway.Tests.EndToEnd;

/// <summary>A recording of a task of so many steps.</summary>
internal static class Cassette
{
    public const string Goal = "look around for a while";

    public static string Of(int replies) => JsonSerializer.Serialize(new
    {
        goal = Goal,
        replies = Enumerable.Range(1, replies).Select(n => Reply(n, isLast: n == replies)),
    });

    private static object Reply(int number, bool isLast) => new
    {
        text = $"This is thought number {number} of those that I have while looking around.",
        expect = number == 1 ? Array.Empty<string>() : [""],
        calls = new[]
        {
            isLast
                ? new { tool = "finish_task", arguments = (object)new { result = "I looked around." } }
                : new { tool = "list_files", arguments = (object)new { pattern = $"*.{number}" } },
        },
    };
}
