using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Tests.Support;

/// <summary>A gateway on a free port of the loopback interface, with a database of its own.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    public const string AdminEmail = "ada@example.com";
    public const string AdminPassword = "a long passphrase of ada";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly PostgresServer _postgres;
    private readonly WebApplicationFactory<Program> _host;
    private bool _ownsDatabase;

    private TestGateway(PostgresServer postgres, string database, IReadOnlyDictionary<string, string?> settings, Action<IServiceCollection>? configure)
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
            host.ConfigureTestServices(services =>
            {
                // A guess costs what it costs; tests make hundreds.
                services.Configure<PasswordHasherOptions>(options => options.IterationCount = 1_000);
                configure?.Invoke(services);
            });
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

    /// <summary>Start one, on a database of its own unless one is given, and wait until it can be used.</summary>
    public static async Task<TestGateway> StartAsync(
        PostgresServer postgres, IReadOnlyDictionary<string, string?>? settings = null, string? database = null, Action<IServiceCollection>? configure = null)
    {
        var gateway = StartUnready(postgres, settings, database, configure);
        await gateway.ReadyAsync();
        return gateway;
    }

    /// <summary>Start one whose database may not be there.</summary>
    public static TestGateway StartUnready(
        PostgresServer postgres, IReadOnlyDictionary<string, string?>? settings = null, string? database = null, Action<IServiceCollection>? configure = null)
    {
        var gateway = new TestGateway(postgres, database ?? postgres.NewDatabase(), settings ?? WithAdmin, configure) { _ownsDatabase = database is null };
        gateway._host.StartServer();
        gateway.Url = gateway.ListensAt();
        return gateway;
    }

    public Task ReadyAsync() => Services.GetRequiredService<StorageGate>().Opened.WaitAsync(s_patience);

    /// <summary>A client without a session.</summary>
    public Browser NewBrowser() => new(Url);

    public async Task<Browser> SignInAsync(string email = AdminEmail, string password = AdminPassword)
    {
        var browser = NewBrowser();
        await browser.SignInAsync(email, password);
        return browser;
    }

    /// <summary>An account, made without the ceremony of an invitation.</summary>
    public async Task<Person> NewPersonAsync(string role = Roles.User)
    {
        await using var scope = Services.CreateAsyncScope();
        var email = $"{Guid.CreateVersion7():N}@example.com";
        var user = new User { UserName = email, Email = email, Role = role };
        var made = await scope.ServiceProvider.GetRequiredService<UserManager<User>>().CreateAsync(user, Person.Password);
        Assert.True(made.Succeeded, string.Join(' ', made.Errors.Select(error => error.Description)));
        return new Person(user.Id, email);
    }

    /// <summary>A person who has signed in.</summary>
    public async Task<Browser> SignInNewAsync(string role = Roles.User) => await SignInAsync((await NewPersonAsync(role)).Email, Person.Password);

    /// <summary>Change or look at rows as no API does: let time pass for one of them, for instance.</summary>
    public async Task<object?> SqlAsync(string sql, params object[] parameters)
    {
        await using var connection = new NpgsqlConnection(Database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }
        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        if (_ownsDatabase)
        {
            await _postgres.DropAsync(Database);
        }
    }

    private Uri ListensAt() =>
        new(Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());
}

/// <summary>Somebody with an account.</summary>
internal sealed record Person(Guid Id, string Email)
{
    public const string Password = "correct horse battery staple";
}
