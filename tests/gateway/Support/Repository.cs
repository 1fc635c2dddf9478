namespace Steersman.ApiGateway.Tests.Support;

/// <summary>Where this repository is, and the Python that belongs to it.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Python => Path.Combine(Root, "python-agent", ".venv", "bin", "python");

    private static string Find()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Steersman.slnx")))
        {
            directory = directory.Parent;
        }
        return directory?.FullName ?? throw new InvalidOperationException("The tests run inside the repository.");
    }
}
