using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Steersman.ApiGateway.Auth;

/// <summary>
/// A secret that we hand out once: <c>prefix_ID_SECRET</c>, the id to find its row by, 32 random bytes to prove it.
/// So much chance needs no slow hash.
/// </summary>
internal sealed record Secret(string Prefix, Guid Id, string Value)
{
    private const int RandomBytes = 32;

    public string Text => $"{Prefix}_{Base64Url.EncodeToString(Id.ToByteArray(bigEndian: true))}.{Value}";

    public byte[] Hash => SHA256.HashData(Encoding.UTF8.GetBytes(Value));

    public static Secret Make(string prefix) =>
        new(prefix, Guid.CreateVersion7(), Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes)));

    public static bool TryParse(string prefix, string? text, [NotNullWhen(true)] out Secret? secret)
    {
        secret = null;
        if (text is null || text.Length > 200 || !text.StartsWith(prefix + "_", StringComparison.Ordinal))
        {
            return false;
        }
        var parts = text[(prefix.Length + 1)..].Split('.');
        Span<byte> id = stackalloc byte[16];
        if (parts is not [{ Length: 22 } encoded, { Length: > 0 } value]
            || !Base64Url.TryDecodeFromChars(encoded, id, out var written) || written != id.Length)
        {
            return false;
        }
        secret = new Secret(prefix, new Guid(id, bigEndian: true), value);
        return true;
    }

    /// <summary>Compare in a time that says nothing.</summary>
    public bool Matches(byte[] hash) => CryptographicOperations.FixedTimeEquals(Hash, hash);
}
