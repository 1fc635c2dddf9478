"""The addresses of stores as .NET's clients read them."""

from urllib.parse import parse_qsl, unquote, urlsplit


def npgsql(url: str, database: str) -> str:
    """Return the connection string of another database of the same PostgreSQL server.

    libpq's options beside host, port, user and password are left out: `sslmode` alone has the same
    meaning for Npgsql.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    values = {
        "Host": parts.hostname or options.get("host"),
        "Port": parts.port or options.get("port"),
        "Username": unquote(parts.username or "") or options.get("user"),
        "Password": unquote(parts.password or "") or options.get("password"),
        "Database": database,
        "SSL Mode": options.get("sslmode", "").replace("-", "") or None,
    }
    return ";".join(f"{name}={_quoted(str(value))}" for name, value in values.items() if value)


def stack_exchange(url: str) -> str:
    """Return the configuration string of the same Redis server."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix:{parts.path}"
    database = parts.path.strip("/")
    values = {
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "defaultDatabase": database if database.isdecimal() else "",
        "ssl": "true" if parts.scheme == "rediss" else "",
    }
    options = [f"{name}={value}" for name, value in values.items() if value]
    return ",".join((f"{parts.hostname or 'localhost'}:{parts.port or 6379}", *options))


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if set(value) & set(";'\"= ") else value
