using System.Net;
using Microsoft.AspNetCore.SignalR.Client;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

public sealed class AgentKeyTests(SharedGateway shared, PostgresServer postgres) : IClassFixture<SharedGateway>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly TestGateway _gateway = shared.Gateway;

    [Fact]
    public async Task A_key_from_the_configuration_is_exchanged_for_a_hub_token()
    {
        await using var hub = await ConnectAsync(_gateway, PlayedAgent.Key);

        Assert.Equal(HubConnectionState.Connected, hub.State);
    }

    [Fact]
    public async Task A_key_that_an_admin_made_is_shown_once_and_kept_as_a_hash()
    {
        using var admin = await _gateway.SignInAsync();
        var (id, key) = await NewKeyAsync(admin);

        await using var hub = await ConnectAsync(_gateway, key);

        var row = (string?)await _gateway.SqlAsync("SELECT row_to_json(c)::text FROM agent_credentials c WHERE id = $1", id);
        Assert.DoesNotContain(key.Split('.')[1], row, StringComparison.Ordinal);
        var listed = await (await admin.GetAsync("/api/agent-keys")).Content.ReadAsStringAsync();
        Assert.Contains(id.ToString(), listed, StringComparison.Ordinal);
        Assert.DoesNotContain(key.Split('.')[1], listed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_and_noted()
    {
        using var admin = await _gateway.SignInAsync();
        var (_, key) = await NewKeyAsync(admin);
        var before = await RefusalsAsync();

        foreach (var wrong in new[] { "", "x", key + "x", key.Split('.')[0], PlayedAgent.Key.ToUpperInvariant(), "stp" + key[3..] })
        {
            await ExchangeAsync(_gateway, wrong).IsProblemAsync(HttpStatusCode.Unauthorized, "agent_key_not_valid");
        }

        Assert.Equal(before + 6, await RefusalsAsync());
    }

    [Fact]
    public async Task A_revoked_key_closes_its_connection_and_its_token_opens_no_other()
    {
        using var admin = await _gateway.SignInAsync();
        var (id, key) = await NewKeyAsync(admin);
        var token = await TokenAsync(_gateway, key);
        await using var hub = await ConnectByTokenAsync(_gateway, token);
        await using var bystander = await ConnectAsync(_gateway, PlayedAgent.Key);
        var closed = ClosedAsync(hub);

        await admin.DeleteAsync($"/api/agent-keys/{id}");

        await closed.WaitAsync(s_patience);
        Assert.Equal(HubConnectionState.Connected, bystander.State);
        await ExchangeAsync(_gateway, key).IsProblemAsync(HttpStatusCode.Unauthorized, "agent_key_not_valid");
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => ConnectByTokenAsync(_gateway, token));
        Assert.Equal(HttpStatusCode.Unauthorized, error.StatusCode);
    }

    [Fact]
    public async Task A_key_that_is_revoked_at_one_replica_is_cut_at_the_other_within_seconds()
    {
        await using var other = await TestGateway.StartAsync(postgres, SharedGateway.Settings, _gateway.Database);
        using var admin = await _gateway.SignInAsync();
        var (id, key) = await NewKeyAsync(admin);
        await using var hub = await ConnectByTokenAsync(other, await TokenAsync(_gateway, key));
        var closed = ClosedAsync(hub);

        await admin.DeleteAsync($"/api/agent-keys/{id}");

        await closed.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Only_admins_make_and_revoke_keys()
    {
        using var user = await _gateway.SignInNewAsync();
        using var admin = await _gateway.SignInAsync();
        var (id, key) = await NewKeyAsync(admin);

        Assert.Equal(HttpStatusCode.Forbidden, await user.PostAsync("/api/agent-keys", new { name = "mine" }).StatusAsync());
        Assert.Equal(HttpStatusCode.Forbidden, await user.DeleteAsync($"/api/agent-keys/{id}").StatusAsync());
        Assert.Equal(HttpStatusCode.OK, await ExchangeAsync(_gateway, key).StatusAsync());
    }

    private async Task<long> RefusalsAsync() => (long)(await _gateway.SqlAsync("SELECT count(*) FROM audit_log WHERE action = 'agent_key_refused'") ?? 0L);

    private static async Task<(Guid Id, string Key)> NewKeyAsync(Browser admin)
    {
        var made = await admin.PostAsync("/api/agent-keys", new { name = "an agent" }).JsonAsync();
        return (made.GetProperty("key_id").GetGuid(), made.GetProperty("key").GetString() ?? "");
    }

    private static async Task<HttpResponseMessage> ExchangeAsync(TestGateway gateway, string key)
    {
        using var http = new HttpClient { BaseAddress = gateway.Url };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/agents/token");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        return await http.SendAsync(request);
    }

    private static async Task<string> TokenAsync(TestGateway gateway, string key) =>
        (await ExchangeAsync(gateway, key).JsonAsync()).GetProperty("access_token").GetString() ?? "";

    private static async Task<HubConnection> ConnectAsync(TestGateway gateway, string key) => await ConnectByTokenAsync(gateway, await TokenAsync(gateway, key));

    private static async Task<HubConnection> ConnectByTokenAsync(TestGateway gateway, string token)
    {
        var hub = new HubConnectionBuilder()
            .WithUrl(new Uri(gateway.Url, HubToken.Path), options => options.AccessTokenProvider = () => Task.FromResult<string?>(token))
            .Build();
        await hub.StartAsync();
        return hub;
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
