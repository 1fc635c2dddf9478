"""Code in and out over HTTP."""

import asyncio

import httpx
import pytest

from steersman.api.ports import GitSource
from tests.agent.api.driving import assert_problem
from tests.agent.api.fakes import InMemoryWorkspaces


async def test_files_are_listed_whatever_their_names_and_times(
    client: httpx.AsyncClient, task_id: str
) -> None:
    listing = (await client.get(f"/tasks/{task_id}/files")).json()
    assert listing == {
        "files": [
            {"path": "shop/cart.py", "bytes": 10, "modified_at": "9999-12-31T23:59:59.000Z"},
            {"path": "page.html", "bytes": 8, "modified_at": "9999-12-31T23:59:59.000Z"},
            {"path": "caf\ufffd", "bytes": 1, "modified_at": "1970-01-01T00:00:00.000Z"},
        ],
        "truncated": False,
    }


async def test_content_is_something_to_keep_and_never_to_show(
    client: httpx.AsyncClient, task_id: str
) -> None:
    page = await client.get(f"/tasks/{task_id}/files/page.html")
    assert (page.content, page.headers["content-length"]) == (b"<script>", "8")
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["content-disposition"] == "attachment; filename*=UTF-8''page.html"
    assert page.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("part", "content", "media_type"),
    [
        ("files/shop/cart.py", b"total = 1\n", "application/octet-stream"),
        ("diff", b"-a\n+b\n", "text/plain; charset=utf-8"),
        ("archive", b"tar", "application/x-tar"),
        ("artifacts/" + "a" * 64, b"all of it", "text/plain; charset=utf-8"),
    ],
)
async def test_content_is_sent_whole(
    client: httpx.AsyncClient, task_id: str, part: str, content: bytes, media_type: str
) -> None:
    answer = await client.get(f"/tasks/{task_id}/{part}")
    assert (answer.content, answer.headers["content-type"]) == (content, media_type)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("nothing.py", "not_found"),
        ("%2Fetc%2Fpasswd", "outside_workspace"),
        ("..%2F..%2Fetc%2Fpasswd", "outside_workspace"),
        ("a%00b", "not_found"),
        ("", "not_found"),
    ],
)
async def test_a_path_that_leads_nowhere_is_not_found(
    client: httpx.AsyncClient, task_id: str, path: str, code: str
) -> None:
    assert_problem(await client.get(f"/tasks/{task_id}/files/{path}"), 404, code)


@pytest.mark.parametrize("name", ["b" * 64, "A" * 64, "%2e%2e", "x"])
async def test_an_unknown_artifact_is_not_found(
    client: httpx.AsyncClient, task_id: str, name: str
) -> None:
    assert_problem(await client.get(f"/tasks/{task_id}/artifacts/{name}"), 404, "not_found")


async def test_an_archive_is_put(client: httpx.AsyncClient, workspaces: InMemoryWorkspaces) -> None:
    archive = b"tar" * 900_000
    answer = await client.put("/workspaces/shop", content=archive)
    assert (answer.status_code, answer.json()) == (
        201,
        {"workspace": "shop", "files": 1, "bytes": 3},
    )
    assert workspaces.put == {"shop": archive}


async def test_a_repository_is_put(
    client: httpx.AsyncClient, workspaces: InMemoryWorkspaces
) -> None:
    source = {"url": "https://git.example.com/shop.git", "ref": "v1.0"}
    answer = await client.put("/workspaces/shop", json={"git": source})
    assert answer.status_code == 201
    assert workspaces.put == {"shop": GitSource.model_validate(source)}


@pytest.mark.parametrize(
    "name", ["a/b", "a%2Fb", "%2e%2e", "%2e", "x" * 65, "a b", "caf%C3%A9", "%FF", "a%00"]
)
async def test_a_workspace_name_is_no_path(
    client: httpx.AsyncClient, workspaces: InMemoryWorkspaces, name: str
) -> None:
    url = httpx.URL("http://127.0.0.1:8000", raw_path=f"/workspaces/{name}".encode())
    answer = await client.put(url, content=b"tar")
    assert_problem(answer, 422, "invalid")
    assert workspaces.put == {}


@pytest.mark.parametrize("name", [b".", b"..", b".git", b"a/../b", b"caf\xc3\xa9"])
async def test_a_workspace_name_is_no_path_either_when_the_client_leaves_it_as_it_is(
    address: str, workspaces: InMemoryWorkspaces, name: bytes
) -> None:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    request = b"PUT /workspaces/%b HTTP/1.1\r\nHost: %b\r\nContent-Length: 3\r\n\r\ntar"
    writer.write(request % (name, address.encode()))
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert status.split()[1] in (b"400", b"422")
    assert workspaces.put == {}


async def test_an_archive_that_is_too_large_is_refused(
    client: httpx.AsyncClient, workspaces: InMemoryWorkspaces
) -> None:
    assert_problem(await client.put("/workspaces/shop", content=b"x" * 3_000_001), 413, "too_large")
    assert workspaces.put == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"git": {}},
        {"git": {"url": "file:///etc"}},
        {"git": {"url": "ext::sh -c true"}},
        {"git": {"url": "--upload-pack=x"}},
        {"git": {"url": "https://-x/y z"}},
        {"git": {"url": "https://example.com", "ref": "--exec"}},
        {"git": {"url": "https://example.com", "depth": 1}},
        [],
    ],
)
async def test_a_repository_must_be_one_to_reach_over_the_network(
    client: httpx.AsyncClient, body: object
) -> None:
    assert_problem(await client.put("/workspaces/shop", json=body), 422, "invalid")


@pytest.mark.parametrize("body", [b"{", b"", b"\xff"])
async def test_a_repository_that_is_no_json_is_malformed(
    client: httpx.AsyncClient, body: bytes
) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = await client.put("/workspaces/shop", content=body, headers=headers)
    assert_problem(answer, 400, "malformed")
