namespace Steersman.BlazorClient.Contract.Answers;

/// <summary>The files of a workspace, sorted by path. <c>Truncated</c>: there are more.</summary>
public sealed record FileList(IReadOnlyList<FileItem> Files, bool Truncated);

/// <summary>A file of a workspace.</summary>
public sealed record FileItem(string Path, long Bytes, DateTimeOffset ModifiedAt);

/// <summary>What the workspace holds now.</summary>
public sealed record WorkspaceStored(string Workspace, long Files, long Bytes);
