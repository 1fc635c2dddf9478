using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A gateway on a free port of the loopback interface, with a database of its own.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    public const string AdminEmail = "ada@example.com";
    public const string AdminPassword = "a long passphrase of ada";
    private readonly PostgresServer _postgres;
    private readonly WebApplicationFactory<Program> _host;

    private TestGateway(PostgresServer postgres, string database, IReadOnlyDictionary<string, string?> settings)
    {
        _postgres = postgres;
        Database = database;
        _host = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
        {
            host.UseUrls("http://127.0.0.1:0");
            host.UseSetting($"ConnectionStrings:{StorageSetup.ConnectionName}", database);
            host.UseSetting("Logging:LogLevel:Default", "Warning");
            foreach (var (key, value) in settings)
            {
                host.UseSetting(key, value);
            }
        });
        _host.UseKestrel();
    }

    public string Database { get; }

    public IServiceProvider Services => _host.Services;

    public Uri Url { get; private set; } = new("http://127.0.0.1");

    public static IReadOnlyDictionary<string, string?> WithAdmin { get; } = new Dictionary<string, string?>
    {
        ["Gateway:FirstUser:Email"] = AdminEmail,
        ["Gateway:FirstUser:Password"] = AdminPassword,
    };

    public static async Task<TestGateway> StartAsync(
        PostgresServer postgres, IReadOnlyDictionary<string, string?>? settings = null, string? database = null)
    {
        var gateway = new TestGateway(postgres, database ?? postgres.NewDatabase(), settings ?? WithAdmin);
        gateway._host.StartServer();
        gateway.Url = gateway.ListensAt();
        await gateway.Services.GetRequiredService<StorageGate>().Opened.WaitAsync(TimeSpan.FromSeconds(30));
        return gateway;
    }

    /// <summary>A client without a session.</summary>
    public Browser NewBrowser() => new(Url);

    public async Task<Browser> SignInAsync(string email = AdminEmail, string password = AdminPassword)
    {
        var browser = NewBrowser();
        await browser.SignInAsync(email, password);
        return browser;
    }

    private Uri ListensAt() =>
        new(Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _postgres.DropAsync(Database);
    }
}
