using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>What played agents have in place of a database: logs that a test writes, and the commands that were executed.</summary>
internal sealed class PlayedLogs
{
    private readonly ConcurrentDictionary<Guid, PlayedTask> _tasks = new();
    private TaskCompletionSource _change = NewChange();

    /// <summary>How often each command was executed, by its id.</summary>
    public ConcurrentDictionary<string, int> Executions { get; } = new();

    /// <summary>Take it before looking.</summary>
    public Task NextChange => Volatile.Read(ref _change).Task;

    public Guid NewTask(Guid owner)
    {
        var id = Guid.CreateVersion7();
        _tasks[id] = new PlayedTask(id, owner);
        return id;
    }

    /// <summary>The task, if it is this person's.</summary>
    public PlayedTask? Find(Guid id, string? owner) =>
        _tasks.TryGetValue(id, out var task) && task.Owner.ToString() == owner ? task : null;

    public IReadOnlyList<PlayedTask> Of(string? owner) => [.. _tasks.Values.Where(task => task.Owner.ToString() == owner)];

    public int Length(Guid id) => _tasks[id].Seq;

    public void Delete(Guid id)
    {
        _tasks.TryRemove(id, out _);
        Wake();
    }

    public void Append(Guid task, params IEnumerable<string> types)
    {
        foreach (var type in types)
        {
            _tasks[task].Add(seq => $$"""{"type":"{{type}}","task_id":"{{task}}","seq":{{seq}},"epoch":1}""");
        }
        Wake();
    }

    /// <summary>Append an event in exactly these characters, but for its seq.</summary>
    public void AppendText(Guid task, Func<long, string> json)
    {
        _tasks[task].Add(json);
        Wake();
    }

    /// <summary>Let the newest thought stream.</summary>
    public void Stream(Guid task, string text)
    {
        _tasks[task].Stream(text);
        Wake();
    }

    /// <summary>Execute a command, or find it executed.</summary>
    public JsonObject Execute(JsonElement command)
    {
        var id = command.GetProperty("command_id").GetString() ?? "";
        Executions.AddOrUpdate(id, 1, (_, count) => count); // as the agent does: the first one is written, the others find it
        return new JsonObject { ["type"] = "answer", ["status"] = 202, ["command_id"] = id };
    }

    public void Wake() => Interlocked.Exchange(ref _change, NewChange()).TrySetResult();

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A task of which a test writes the log.</summary>
internal sealed class PlayedTask(Guid id, Guid owner)
{
    private readonly List<string> _events = [];
    private string _text = "";

    public Guid Owner => owner;

    public string View
    {
        get
        {
            lock (_events)
            {
                var isFinal = _events is [.., var last] && last.Contains("task_completed", StringComparison.Ordinal);
                return $$"""{"task_id":"{{id}}","seq":{{_events.Count}},"state":"{{(isFinal ? "completed" : "running")}}"}""";
            }
        }
    }

    public int Seq
    {
        get { lock (_events) { return _events.Count; } }
    }

    public void Add(Func<long, string> json)
    {
        lock (_events)
        {
            _events.Add(json(_events.Count + 1));
            _text = "";
        }
    }

    public void Stream(string text)
    {
        lock (_events)
        {
            _text += text;
        }
    }

    public IReadOnlyList<string> After(long seq, int limit)
    {
        lock (_events)
        {
            return [.. _events.Skip((int)seq).Take(limit)];
        }
    }

    /// <summary>What somebody who has so many characters of the text lacks, as a delta.</summary>
    public string? DeltaAfter(int shown)
    {
        lock (_events)
        {
            return _text.Length <= shown
                ? null
                : $$"""{"type":"delta","task_id":"{{id}}","epoch":1,"step":1,"offset":{{shown}},"text":{{JsonSerializer.Serialize(_text[shown..])}}}""";
        }
    }

    public int TextLength
    {
        get { lock (_events) { return _text.Length; } }
    }
}
