using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Steersman.ApiGateway.Auth;
using Steersman.ApiGateway.Tests.Support;

namespace Steersman.ApiGateway.Tests.Auth;

/// <summary>Guessing passwords, and learning who has an account.</summary>
public sealed class LockoutTests(SharedGateway shared) : IClassFixture<SharedGateway>
{
    private readonly TestGateway _gateway = shared.Gateway;

    [Fact]
    public async Task Wrong_passwords_lock_the_account_also_all_at_once_and_time_opens_it()
    {
        var person = await _gateway.NewPersonAsync();
        await GuessAsync(person.Email, PasswordProof.MaxAttempts);

        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(person.Email, Person.Password));

        await _gateway.SqlAsync("UPDATE users SET lockout_end = now() - interval '1 second' WHERE id = $1", person.Id);
        Assert.Equal(HttpStatusCode.OK, await TryAsync(person.Email, Person.Password));
    }

    [Fact]
    public async Task The_right_password_forgives_the_wrong_ones_before_it()
    {
        var person = await _gateway.NewPersonAsync();
        await GuessAsync(person.Email, PasswordProof.MaxAttempts - 1);
        Assert.Equal(HttpStatusCode.OK, await TryAsync(person.Email, Person.Password));

        await GuessAsync(person.Email, PasswordProof.MaxAttempts - 1);

        Assert.Equal(HttpStatusCode.OK, await TryAsync(person.Email, Person.Password));
    }

    [Fact]
    public async Task A_guess_that_hangs_up_at_once_counts()
    {
        var person = await _gateway.NewPersonAsync();
        using var http = new HttpClient { BaseAddress = _gateway.Url };
        // The first sign-in of a process may take longer than these wait, and is then not tried at all.
        await http.PostAsJsonAsync("/api/session", new { email = "nobody@example.com", password = "a guess" }, TestContext.Current.CancellationToken);
        for (var guess = 0; guess < PasswordProof.MaxAttempts; guess++)
        {
            // Answers to wrong ones take 400 ms, so these are gone when it is given.
            using var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(250));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                http.PostAsJsonAsync("/api/session", new { email = person.Email, password = $"guess {guess}" }, impatient.Token));
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(person.Email, Person.Password));
    }

    [Fact]
    public async Task A_borrowed_session_guesses_no_more_often()
    {
        var person = await _gateway.NewPersonAsync();
        using var browser = await _gateway.SignInAsync(person.Email, Person.Password);
        for (var guess = 0; guess < PasswordProof.MaxAttempts; guess++)
        {
            await browser.PostAsync("/api/me/password", new { current = $"guess {guess}", @new = "a passphrase of the thief" });
        }

        await browser.PostAsync("/api/me/password", new { current = Person.Password, @new = "a passphrase of the thief" })
            .IsProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid");
    }

    [Fact]
    public async Task Neither_the_answer_nor_its_time_says_who_has_an_account()
    {
        var known = await _gateway.NewPersonAsync();
        var locked = await _gateway.NewPersonAsync();
        var disabled = await _gateway.NewPersonAsync();
        await _gateway.SqlAsync("UPDATE users SET lockout_end = now() + interval '1 hour' WHERE id = $1", locked.Id);
        await _gateway.SqlAsync("UPDATE users SET disabled_at = now() WHERE id = $1", disabled.Id);
        (string Who, string Email, string Password)[] doors =
        [
            ("unknown", "nobody@example.com", Person.Password),
            ("known", known.Email, "a wrong passphrase"),
            ("locked", locked.Email, Person.Password),
            ("disabled", disabled.Email, Person.Password),
        ];

        // Side by side, so that whatever else the machine does slows all of them. Fewer rounds than lock.
        var answers = new List<(string Who, string Body, TimeSpan Took)>();
        for (var round = 0; round < PasswordProof.MaxAttempts - 1; round++)
        {
            answers.AddRange(await Task.WhenAll(doors.Select(KnockAsync)));
        }

        Assert.Single(answers.Select(answer => answer.Body).Distinct());
        var medians = answers.GroupBy(answer => answer.Who).ToDictionary(who => who.Key, who => Median(who.Select(answer => answer.Took)));
        Assert.True(medians.Values.Max() - medians.Values.Min() < TimeSpan.FromMilliseconds(60), string.Join(", ", medians));
    }

    private async Task GuessAsync(string email, int times)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, times).Select(guess => TryAsync(email, $"guess {guess}")));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Unauthorized, answer));
    }

    private async Task<HttpStatusCode> TryAsync(string email, string password)
    {
        using var browser = _gateway.NewBrowser();
        return await browser.PostAsync("/api/session", new { email, password }).StatusAsync();
    }

    private async Task<(string Who, string Body, TimeSpan Took)> KnockAsync((string Who, string Email, string Password) door)
    {
        using var browser = _gateway.NewBrowser();
        await browser.GetAsync("/health/live"); // so that none of them pays for the connection
        var watch = Stopwatch.StartNew();
        var answer = await browser.PostAsync("/api/session", new { email = door.Email, password = door.Password });
        var took = watch.Elapsed;
        var body = (await answer.JsonAsync()).EnumerateObject().Where(part => !part.Name.StartsWith("trace", StringComparison.Ordinal)).Select(part => part.ToString());
        return (door.Who, $"{answer.StatusCode} {string.Join(' ', body)} {string.Join(' ', answer.Headers.Select(header => header.Key))}", took);
    }

    private static TimeSpan Median(IEnumerable<TimeSpan> times) => times.Order().ElementAt((PasswordProof.MaxAttempts - 1) / 2);
}
