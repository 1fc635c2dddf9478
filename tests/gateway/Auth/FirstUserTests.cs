using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

public sealed partial class FirstUserTests(PostgresServer postgres)
{
    private static readonly Dictionary<string, string?> s_nobody = [];

    [Fact]
    public async Task The_printed_code_makes_one_admin()
    {
        var log = new LogSink();
        await using var gateway = await StartAsync(log);
        using var browser = gateway.NewBrowser();

        var answer = await AcceptAsync(browser, CodeOf(log), "first@example.com");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("admin", (await browser.GetAsync("/api/me").JsonAsync()).GetProperty("role").GetString());
        using var late = gateway.NewBrowser();
        await AcceptAsync(late, CodeOf(log), "second@example.com").IsProblemAsync(HttpStatusCode.UnprocessableEntity, "code_not_valid");
    }

    [Fact]
    public async Task The_printed_code_expires()
    {
        var log = new LogSink();
        await using var gateway = await StartAsync(log);
        await gateway.SqlAsync("UPDATE invitations SET expires_at = now()");
        using var browser = gateway.NewBrowser();

        await AcceptAsync(browser, CodeOf(log), "first@example.com").IsProblemAsync(HttpStatusCode.UnprocessableEntity, "code_not_valid");
    }

    [Fact]
    public async Task A_restart_prints_another_code_and_the_one_before_is_worth_nothing()
    {
        var (before, after) = (new LogSink(), new LogSink());
        await using var first = await StartAsync(before);
        await using var second = await StartAsync(after, first.Database);
        using var browser = second.NewBrowser();

        await AcceptAsync(browser, CodeOf(before), "late@example.com").IsProblemAsync(HttpStatusCode.UnprocessableEntity, "code_not_valid");
        Assert.Equal(HttpStatusCode.OK, (await AcceptAsync(browser, CodeOf(after), "first@example.com")).StatusCode);
    }

    [Fact]
    public async Task A_first_user_from_configuration_closes_the_code_that_was_printed_before()
    {
        var log = new LogSink();
        await using var without = await StartAsync(log);
        await using var with = await TestGateway.StartAsync(postgres, TestGateway.WithAdmin, without.Database);
        using var browser = with.NewBrowser();

        await AcceptAsync(browser, CodeOf(log), "mallory@example.com").IsProblemAsync(HttpStatusCode.UnprocessableEntity, "code_not_valid");
        using var admin = await with.SignInAsync();
    }

    [Fact]
    public async Task The_configuration_makes_the_first_user_once_and_resets_nothing_later()
    {
        await using var first = await TestGateway.StartAsync(postgres);
        var changed = new Dictionary<string, string?>(TestGateway.WithAdmin) { ["Gateway:FirstUser:Password"] = "what the configuration says now" };
        await using var second = await TestGateway.StartAsync(postgres, changed, first.Database);

        using var admin = await second.SignInAsync();

        Assert.Equal(1L, await second.SqlAsync("SELECT count(*) FROM users"));
    }

    [Theory]
    [InlineData("Gateway:FirstUser:Password", "short")]
    [InlineData("Gateway:FirstUser:Email", "nobody")]
    [InlineData("Gateway:AgentKeys:unset", "")]
    [InlineData("Gateway:AgentKeys:guessable", "agent")]
    [InlineData("Gateway:Proxies:0", "the proxy")]
    public async Task A_setting_that_would_let_strangers_in_keeps_the_gateway_from_starting(string setting, string value)
    {
        var settings = new Dictionary<string, string?>(TestGateway.WithAdmin) { [setting] = value };

        await Assert.ThrowsAsync<OptionsValidationException>(() => TestGateway.StartAsync(postgres, settings));
    }

    private Task<TestGateway> StartAsync(LogSink log, string? database = null) =>
        TestGateway.StartAsync(postgres, s_nobody, database, services => services.AddSingleton<ILoggerProvider>(log));

    private static Task<HttpResponseMessage> AcceptAsync(Browser browser, string code, string email) =>
        browser.PostAsync("/api/invitations/accept", new { code, email, password = Person.Password });

    private static string CodeOf(LogSink log) => Code().Match(Assert.Single(log.Lines, line => Code().IsMatch(line))).Value;

    [GeneratedRegex(@"sti_[\w.-]+")]
    private static partial Regex Code();
}
