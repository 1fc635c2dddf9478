using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Rest;

public sealed class ForwardingTests(ForwardedGateway scene) : IClassFixture<ForwardedGateway>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task An_event_is_here_while_its_stream_goes_on()
    {
        using var http = new HttpClient { BaseAddress = scene.Gateway.Url };
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/tasks/{Guid.CreateVersion7()}/events");
        request.Headers.Add("Cookie", scene.Browser.CookieHeader);
        request.Headers.Accept.ParseAdd("text/event-stream");

        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        Assert.Equal("id: 1", await lines.ReadLineAsync().WaitAsync(s_patience));
        scene.MayGoOn.SetResult();

        Assert.EndsWith("id: 2\nevent: task_completed\ndata: {}\n\n", await lines.ReadToEndAsync().WaitAsync(s_patience), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_speaks_both_ways()
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("steersman.v1.json");
        socket.Options.SetRequestHeader("Cookie", scene.Browser.CookieHeader);
        await socket.ConnectAsync(new UriBuilder(scene.Gateway.Url) { Scheme = "ws", Path = "/api/ws/chat" }.Uri, TestContext.Current.CancellationToken);
        var buffer = new byte[100];
        foreach (var said in (string[])["one", "two"])
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(said), WebSocketMessageType.Text, true, TestContext.Current.CancellationToken);
            var heard = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).WaitAsync(s_patience);
            Assert.Equal(said, Encoding.UTF8.GetString(buffer, 0, heard.Count));
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Fact]
    public async Task An_agent_hears_who_asks_from_the_gateway_only()
    {
        var task = Guid.CreateVersion7();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/tasks/{task}/diff");
        foreach (var name in (string[])["X-User-Id", "X-User", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-User", "X-Original-URL", "X-Real-IP", "X-Steersman-Owner", "Forwarded"])
        {
            request.Headers.TryAddWithoutValidation(name, "somebody-else");
        }
        request.Headers.Add("X-CSRF-Token", "nothing");
        request.Headers.Add("Idempotency-Key", "kept");

        var answer = await scene.Browser.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var received = Assert.Single(scene.Agent.Requests, one => one.Target == $"/tasks/{task}/diff");
        Assert.Equal(
            ["Authorization", "Host", "Idempotency-Key", "traceparent"],
            received.Headers.Keys.Order(StringComparer.OrdinalIgnoreCase).ToArray());
        Assert.Equal(scene.Agent.Url.Authority, received.Headers["Host"]);
        var token = new JsonWebToken(received.Headers["Authorization"]["Bearer ".Length..]);
        Assert.Equal(await UserIdAsync(), token.Subject);
    }

    [Fact]
    public async Task A_trace_goes_on_at_the_agent()
    {
        var task = Guid.CreateVersion7();
        await SendRawAsync(Get($"/api/tasks/{task}/diff", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"));

        var parts = Assert.Single(scene.Agent.Requests, one => one.Target == $"/tasks/{task}/diff").Headers["traceparent"].Split('-');
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", parts[1]);
        Assert.NotEqual("b7ad6b7169203331", parts[2]);
    }

    [Theory]
    [InlineData("/api/tasks/..%2f..%2fhealth")]
    [InlineData("/api/tasks/..%2F..%2Fhealth")]
    [InlineData("/api/tasks/..%5c..%5chealth")]
    [InlineData("/api/tasks/..\\..\\health")]
    [InlineData("/api/tasks/%2e%2e/health")]
    [InlineData("/api/tasks/../health")]
    [InlineData("/api/tasks/%252e%252e/%252e%252e/health")]
    [InlineData("/api/tasks//../../health")]
    [InlineData("/api/tasks/x;/../../health")]
    [InlineData("/api/./tasks/../../health/../health")]
    [InlineData("/api//health")]
    [InlineData("/api/health")]
    [InlineData("/api/openapi.json/../health")]
    [InlineData("/api/tasksx")]
    [InlineData("/api/TASKS/../overview/../docs")]
    public async Task No_path_leads_out_of_what_is_forwarded(string target)
    {
        var before = scene.Agent.Requests.Count;

        await SendRawAsync(Get(target));

        foreach (var reached in scene.Agent.Requests.Skip(before))
        {
            // As the agent reads it: decoded once, then resolved as a careless server would.
            var read = new Uri(scene.Agent.Url, Uri.UnescapeDataString(Uri.UnescapeDataString(reached.Target)).Replace('\\', '/')).AbsolutePath;
            Assert.True(reached.Target.StartsWith("/tasks/", StringComparison.Ordinal), reached.Target);
            Assert.False(read == "/health" && !reached.Target.Contains('%', StringComparison.Ordinal), reached.Target);
        }
    }

    [Theory]
    [InlineData("TRACE")]
    [InlineData("OPTIONS")]
    [InlineData("PROPFIND")]
    public async Task Other_methods_reach_no_agent(string method)
    {
        var before = scene.Agent.Requests.Count;
        using var request = new HttpRequestMessage(new HttpMethod(method), "/api/tasks/1/files");
        var answer = await scene.Browser.SendAsync(request);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(before, scene.Agent.Requests.Count);
    }

    [Fact]
    public async Task A_new_task_is_found_where_the_gateway_has_it()
    {
        var answer = await scene.Browser.PostAsync("/api/tasks", new { goal = "x" });
        Assert.Equal((HttpStatusCode.Accepted, "/api/tasks/1"), (answer.StatusCode, answer.Headers.Location?.ToString()));
    }

    [Theory]
    [InlineData("/api/tasks/1/messages")]
    [InlineData("/api/tasks/1/stop")]
    public async Task No_agent_sends_a_person_elsewhere(string path)
    {
        var answer = await scene.Browser.PostAsync(path, new { });
        Assert.Equal((HttpStatusCode.Redirect, "/api/"), (answer.StatusCode, answer.Headers.Location?.ToString()));
    }

    [Theory]
    [InlineData("/api/tasks?returnUrl=https://evil.example")]
    [InlineData("/api/me?ReturnUrl=//evil.example")]
    [InlineData("/%2f%2fevil.example/%2e%2e")]
    public async Task Nobody_who_has_not_signed_in_is_sent_anywhere(string path)
    {
        using var stranger = scene.Gateway.NewBrowser();
        var answer = await stranger.GetAsync(path);
        Assert.True((int)answer.StatusCode is 401 or 404, $"{answer.StatusCode}");
        Assert.Null(answer.Headers.Location);
    }

    [Fact]
    public async Task A_body_of_ten_megabytes_is_refused()
    {
        var body = new ByteArrayContent(new byte[10 * 1024 * 1024]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/tasks") { Content = body };
        request.Headers.ExpectContinue = true;
        await scene.Browser.SendAsync(request).IsProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too_large");
        using var own = new HttpRequestMessage(HttpMethod.Post, "/api/tokens") { Content = JsonContent.Create(new { name = new string('x', 2_000_000) }) };
        own.Headers.ExpectContinue = true;
        await scene.Browser.SendAsync(own).IsProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too_large");
    }

    [Fact]
    public async Task A_workspace_of_ten_megabytes_is_uploaded_whole()
    {
        var body = new ByteArrayContent(new byte[10 * 1024 * 1024]);
        using var request = new HttpRequestMessage(HttpMethod.Put, "/api/workspaces/shop") { Content = body };
        var answer = await scene.Browser.SendAsync(request);
        Assert.Equal(10 * 1024 * 1024, (await answer.JsonAsync()).GetProperty("bytes").GetInt64());
    }

    [Fact]
    public Task An_agent_that_does_not_answer_is_not_waited_for_without_end() =>
        scene.Browser.GetAsync("/api/tasks/slow/files").IsProblemAsync(HttpStatusCode.GatewayTimeout, "timeout");

    private async Task<string?> UserIdAsync() => (await scene.Browser.GetAsync("/api/me").JsonAsync()).GetProperty("user_id").GetString();

    private string Get(string target, string headers = "") =>
        $"GET {target} HTTP/1.1\r\nHost: {scene.Gateway.Url.Authority}\r\nCookie: {scene.Browser.CookieHeader}\r\n{headers}Connection: close\r\n\r\n";

    // What an HTTP client would mend arrives as it is.
    private async Task<string> SendRawAsync(string request)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(scene.Gateway.Url.Host, scene.Gateway.Url.Port, TestContext.Current.CancellationToken);
        await using var stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(s_patience);
    }
}
