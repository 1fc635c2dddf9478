using System.Text.Json.Serialization;

namespace Steersman.BlazorClient.Contract.Commands;

/// <summary>Say something to the task: it steers the next thought, or answers its question.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record AddMessage(string TaskId, string Text) : Command;

/// <summary>Begin nothing more until the task is resumed. A tool that runs may end.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PauseTask(string TaskId) : Command;

/// <summary>Go on with a paused task.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ResumeTask(string TaskId) : Command;

/// <summary>End the task now. What was done stays.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record StopTask(string TaskId, string? Reason = null) : Command;
