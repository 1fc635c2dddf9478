using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;

namespace Steersman.ApiGateway.Storage;

internal static class StorageSetup
{
    public const string ConnectionName = "gatewaydb";

    public static void AddStorage(this WebApplicationBuilder builder)
    {
        var database = builder.Configuration.GetConnectionString(ConnectionName)
            ?? throw new InvalidOperationException(
                $"ConnectionStrings:{ConnectionName} is not set: the gateway keeps its users in a PostgreSQL database of its own.");
        builder.Services.AddDbContextPool<GatewayDb>(options => options.UseNpgsql(database));
        // First, because the data-protection keys are read at the start as well.
        builder.Services.AddHostedService<StorageMigration>();
        builder.Services.AddDataProtection().SetApplicationName("steersman").PersistKeysToDbContext<GatewayDb>();
        builder.Services.AddSingleton<StorageGate>();
    }

    /// <summary>Answers 503 until the tables are there; health is answered always.</summary>
    public static void UseStorageGate(this WebApplication app) =>
        app.UseWhen(
            context => !context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal),
            branch => branch.Use(app.Services.GetRequiredService<StorageGate>().HoldAsync));
}
