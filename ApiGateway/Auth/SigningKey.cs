namespace Steersman.ApiGateway.Auth;

/// <summary>A key that signs tokens. It is published until the last token that it signed has expired.</summary>
internal sealed class SigningKey
{
    public required string KeyId { get; init; }

    /// <summary>PKCS#8, protected by the data-protection keys.</summary>
    public required byte[] ProtectedKey { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}
