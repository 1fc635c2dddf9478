using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Steersman.ApiGateway.Storage;

namespace Steersman.ApiGateway.Auth;

internal static class Schemes
{
    /// <summary>Looks at the request and leaves it to one of the others.</summary>
    public const string Any = "any";
    public const string Cookie = "cookie";
    public const string Token = "token";
    public const string Agent = "agent";
}

internal static class Policies
{
    public const string Read = "read";
    public const string Write = "write";
    public const string Admin = "admin";
    public const string Agent = "agent";

    /// <summary>Reading for safe methods, writing for all others.</summary>
    public const string ByMethod = "by_method";
}

internal static class AuthSetup
{
    public static void AddAuth(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        AddUsers(services);
        services.AddSingleton<UserStates>();
        services.AddSingleton<SigningKeyRing>();
        services.AddSingleton<TokenMint>();
        services.AddScoped<FirstUser>();
        services.AddSingleton<StrangersPassword>();
        services.AddScoped<PasswordProof>();
        services.AddScoped<SignIn>();
        services.AddScoped<Sessions>();
        AddSchemes(services);
        AddPolicies(services);
        AddCsrf(services);
    }

    private static void AddUsers(IServiceCollection services) =>
        services.AddIdentityCore<User>(options =>
            {
                options.User.RequireUniqueEmail = true;
                // What RFC 5322 allows before the @, for the address is the name.
                options.User.AllowedUserNameCharacters += "!#$%&'*/=?^`{|}~";
                // Length is what helps; classes of characters only annoy (NIST SP 800-63B).
                options.Password = new PasswordOptions
                {
                    RequiredLength = 12,
                    RequiredUniqueChars = 5,
                    RequireDigit = false,
                    RequireLowercase = false,
                    RequireNonAlphanumeric = false,
                    RequireUppercase = false,
                };
            })
            .AddEntityFrameworkStores<GatewayDb>();

    private static void AddSchemes(IServiceCollection services)
    {
        services.AddAuthentication(Schemes.Any)
            .AddPolicyScheme(Schemes.Any, null, options => options.ForwardDefaultSelector = SelectScheme)
            .AddCookie(Schemes.Cookie)
            .AddScheme<AccessTokenOptions, AccessTokenHandler>(Schemes.Token, null)
            .AddJwtBearer(Schemes.Agent, _ => { });
        services.AddOptions<CookieAuthenticationOptions>(Schemes.Cookie).Configure<IOptions<GatewayOptions>>(SessionCookie.Configure);
        services.AddOptions<JwtBearerOptions>(Schemes.Agent).Configure<SigningKeyRing, TimeProvider>(HubToken.Configure);
    }

    private static void AddPolicies(IServiceCollection services) =>
        services.AddAuthorizationBuilder()
            .AddPolicy(Policies.Read, policy => policy.RequireClaim(Claims.Scope, Scopes.Read))
            .AddPolicy(Policies.Write, policy => policy.RequireClaim(Claims.Scope, Scopes.Write))
            .AddPolicy(Policies.ByMethod, policy => policy.RequireAssertion(context =>
                context.Resource is HttpContext http
                && context.User.HasScope(IsSafe(http.Request.Method) ? Scopes.Read : Scopes.Write)))
            .AddPolicy(Policies.Admin, policy => policy.RequireRole(Roles.Admin).RequireClaim(Claims.Scope, Scopes.Admin))
            .AddPolicy(Policies.Agent, policy => policy.AddAuthenticationSchemes(Schemes.Agent).RequireRole(HubToken.Role));

    private static void AddCsrf(IServiceCollection services) =>
        services.AddAntiforgery(options =>
        {
            options.Cookie.Name = "__Host-steersman-csrf";
            options.Cookie.SameSite = SameSiteMode.Strict;
            // The cookie policy makes it Secure: this option would refuse plain HTTP on loopback, which browsers trust.
            options.Cookie.SecurePolicy = CookieSecurePolicy.None;
            options.HeaderName = Csrf.Header;
            options.SuppressXFrameOptionsHeader = true;
        });

    public static bool IsSafe(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    private static string SelectScheme(HttpContext context)
    {
        if (context.Request.Path.StartsWithSegments(HubToken.Path, StringComparison.Ordinal))
        {
            return Schemes.Agent;
        }
        // Whoever shows a token is judged by it alone, right or wrong, and nowhere but at the agents' hub is theirs one.
        return BearerToken.Of(context.Request) is null ? Schemes.Cookie : Schemes.Token;
    }
}
