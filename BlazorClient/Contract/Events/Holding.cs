using System.Text.Json.Serialization;
using Steersman.BlazorClient.Contract.Json;

namespace Steersman.BlazorClient.Contract.Events;

/// <summary>A worker begins or goes on with the task. A new epoch begins.</summary>
public sealed record TaskClaimed(string WorkerId, int Attempt, ClaimReason Reason) : TaskEvent;

[JsonConverter(typeof(SnakeCaseConverter<ClaimReason>))]
public enum ClaimReason
{
    New,
    Resumed,
    Takeover,
}

/// <summary>Nothing more is begun until the task is resumed.</summary>
public sealed record TaskPaused(string By) : TaskEvent;

/// <summary>A paused task goes on.</summary>
public sealed record TaskResumed(string By) : TaskEvent;
