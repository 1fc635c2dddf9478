"""Addresses as .NET's clients read them."""

import pytest

from steersman.app.up.connection_strings import npgsql, stack_exchange


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://postgres@/steersman?host=%2Ftmp%2Frun%2Fpostgres",
            "Host=/tmp/run/postgres;Username=postgres;Database=gatewaydb",
        ),
        (
            "postgresql://ada:p%40ss%3Bword@db.example:5433/agentdb?sslmode=verify-full",
            "Host=db.example;Port=5433;Username=ada;"
            'Password="p@ss;word";Database=gatewaydb;SSL Mode=verifyfull',
        ),
        ("postgresql://localhost/x", "Host=localhost;Database=gatewaydb"),
    ],
)
def test_a_database_of_the_same_server(url: str, expected: str) -> None:
    assert npgsql(url, "gatewaydb") == expected


def test_a_quote_in_a_password_ends_nothing() -> None:
    url = "postgresql://ada:a%22;Host=evil@db/x"
    assert npgsql(url, "g") == 'Host=db;Username=ada;Password="a"";Host=evil";Database=g'


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://localhost", "localhost:6379"),
        ("rediss://ada:s3cret@r.example:6380/2",
         "r.example:6380,user=ada,password=s3cret,defaultDatabase=2,ssl=true"),
        ("unix:///run/redis.sock", "unix:/run/redis.sock"),
    ],
)  # fmt: skip
def test_the_same_redis(url: str, expected: str) -> None:
    assert stack_exchange(url) == expected
