using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

/// <summary>Open connections to /hubs/chat: who may have one, what ends it, and what one person may do to the others.</summary>
public sealed class ConnectedPeopleTests(SharedGateway shared, PostgresServer postgres) : IClassFixture<SharedGateway>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly TestGateway _gateway = shared.Gateway;

    [Fact]
    public async Task A_user_who_becomes_disabled_is_cut_at_this_replica_and_at_others()
    {
        await using var other = await TestGateway.StartAsync(postgres, SharedGateway.Settings, _gateway.Database);
        var person = await _gateway.NewPersonAsync();
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        await using var here = await Viewer.ConnectAsync(_gateway.Url, browser);
        await using var there = await Viewer.ConnectAsync(other.Url, browser);
        using var admin = await _gateway.SignInAsync();
        await using var bystander = await Viewer.ConnectAsync(_gateway.Url, admin);
        var (cutHere, cutThere) = (ClosedAsync(here.Hub), ClosedAsync(there.Hub));

        await admin.PatchAsync($"/api/users/{person.Id}", new { disabled = true });

        await cutHere.WaitAsync(s_patience);
        await cutThere.WaitAsync(s_patience);
        Assert.Equal(HubConnectionState.Connected, bystander.Hub.State);
        await Assert.ThrowsAsync<HttpRequestException>(() => Viewer.ConnectAsync(other.Url, browser));
    }

    [Fact]
    public async Task Signing_out_cuts_the_connections_of_this_session_and_of_no_other()
    {
        var person = await _gateway.NewPersonAsync();
        using var one = await _gateway.SignInAsync(person.Email, Person.Password);
        using var other = await _gateway.SignInAsync(person.Email, Person.Password);
        await using var ending = await Viewer.ConnectAsync(_gateway.Url, one);
        await using var staying = await Viewer.ConnectAsync(_gateway.Url, other);
        var closed = ClosedAsync(ending.Hub);

        await one.DeleteAsync("/api/session");

        await closed.WaitAsync(s_patience);
        Assert.Equal(HubConnectionState.Connected, staying.Hub.State);
    }

    [Fact]
    public async Task A_revoked_token_cuts_the_connections_that_it_opened()
    {
        using var browser = await _gateway.SignInNewAsync();
        var token = await browser.NewTokenAsync("read");
        await using var hub = new HubConnectionBuilder()
            .WithUrl(new Uri(_gateway.Url, "/hubs/chat"), options => options.AccessTokenProvider = () => Task.FromResult<string?>(token.Text))
            .Build();
        await hub.StartAsync(TestContext.Current.CancellationToken);
        await using var staying = await Viewer.ConnectAsync(_gateway.Url, browser);
        var closed = ClosedAsync(hub);

        await browser.DeleteAsync($"/api/tokens/{token.Id}");

        await closed.WaitAsync(s_patience);
        Assert.Equal(HubConnectionState.Connected, staying.Hub.State);
    }

    [Fact]
    public async Task A_token_that_may_only_read_executes_nothing()
    {
        using var browser = await _gateway.SignInNewAsync();
        var token = await browser.NewTokenAsync("read");
        await using var hub = new HubConnectionBuilder()
            .WithUrl(new Uri(_gateway.Url, "/hubs/chat"), options => options.AccessTokenProvider = () => Task.FromResult<string?>(token.Text))
            .Build();
        await hub.StartAsync(TestContext.Current.CancellationToken);

        var error = await Assert.ThrowsAsync<HubException>(() =>
            hub.InvokeAsync("Execute", new { type = "submit_task", goal = "x" }, TestContext.Current.CancellationToken));

        Assert.Contains("unauthorized", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("https://evil.example", 403)]
    [InlineData("null", 403)]
    [InlineData("http://localhost:1", 403)]
    [InlineData(null, 101)]
    public async Task A_foreign_page_opens_no_socket_with_a_borrowed_cookie(string? origin, int status)
    {
        using var browser = await _gateway.SignInNewAsync();
        foreach (var path in new[] { "/hubs/chat", "/api/ws/chat" })
        {
            using var socket = new ClientWebSocket();
            socket.Options.SetRequestHeader("Cookie", browser.CookieHeader);
            socket.Options.SetRequestHeader("Origin", origin ?? _gateway.Url.GetLeftPart(UriPartial.Authority));
            socket.Options.CollectHttpResponseDetails = true;
            var opening = socket.ConnectAsync(new UriBuilder(_gateway.Url) { Scheme = "ws", Path = path }.Uri, TestContext.Current.CancellationToken);

            // No agent is here to take the second one: it is let in, and told to come again.
            var expected = status == 101 && path == "/api/ws/chat" ? 503 : status;
            var refusal = await Record.ExceptionAsync(() => opening);

            Assert.Equal((path, expected), (path, (int)socket.HttpStatusCode));
            Assert.Equal(expected != 101, refusal is WebSocketException);
        }
    }

    [Fact]
    public async Task A_message_of_ten_megabytes_ends_its_connection_only()
    {
        using var browser = await _gateway.SignInNewAsync();
        await using var viewer = await Viewer.ConnectAsync(_gateway.Url, browser);
        await using var bystander = await Viewer.ConnectAsync(_gateway.Url, browser);
        var closed = ClosedAsync(viewer.Hub);

        await Assert.ThrowsAnyAsync<Exception>(() => viewer.Hub.InvokeAsync("Execute", new { type = "submit_task", goal = new string('x', 10_000_000) }));

        await closed.WaitAsync(s_patience);
        var answer = await bystander.Hub.InvokeAsync<System.Text.Json.JsonElement>("Execute", new { type = "submit_task", goal = "x" }, TestContext.Current.CancellationToken);
        Assert.Equal("no_agent", answer.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Ten_thousand_calls_of_one_person_leave_another_to_work()
    {
        using var loud = await _gateway.SignInNewAsync();
        using var quiet = await _gateway.SignInNewAsync();
        await using var flood = await Viewer.ConnectAsync(_gateway.Url, loud);
        await using var worker = await Viewer.ConnectAsync(_gateway.Url, quiet);
        var command = new { type = "submit_task", goal = "x" };

        var calls = Enumerable.Range(0, 10_000).Select(_ => Record.ExceptionAsync(() => flood.Hub.InvokeAsync("Execute", command)).AsTask()).ToList();
        var slowest = TimeSpan.Zero;
        for (var call = 0; call < 20; call++)
        {
            var begun = TimeProvider.System.GetTimestamp();
            var answer = await worker.Hub.InvokeAsync<System.Text.Json.JsonElement>("Execute", command, TestContext.Current.CancellationToken);
            Assert.Equal("no_agent", answer.GetProperty("code").GetString());
            var took = TimeProvider.System.GetElapsedTime(begun);
            slowest = took > slowest ? took : slowest;
        }
        var refused = (await Task.WhenAll(calls)).Count(error => error?.Message.Contains("too_many_requests", StringComparison.Ordinal) == true);

        Assert.True(slowest < TimeSpan.FromSeconds(3), $"the other person waited {slowest}");
        Assert.InRange(refused, 5_000, 9_900);
    }

    private static Task ClosedAsync(HubConnection hub)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Closed += _ =>
        {
            closed.TrySetResult();
            return Task.CompletedTask;
        };
        return closed.Task;
    }
}
