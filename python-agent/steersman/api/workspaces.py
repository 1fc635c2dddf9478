"""Code in and out: the files of a task, what it changed, and workspaces to begin from.

What is in a workspace was written by models and strangers: it is sent as something to keep, never
as something that a browser would show or run.
"""

import re
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import Path
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.requests import Request

from steersman.api.dependencies import Api, Owner
from steersman.api.examples import DIFF, FILES, STORED
from steersman.api.git_body import GIT_EXAMPLE, GIT_SCHEMA, is_json, read_git_source
from steersman.api.openapi import answer, content, problems, routes
from steersman.api.ports import Content
from steersman.api.requests import TaskInPath, WorkspaceName
from steersman.api.schemas import FileItem, FileList, WorkspaceStored
from steersman.api.uploads import spooled
from steersman.core.errors import (
    Invalid,
    Malformed,
    NotFound,
    StoreUnavailable,
    TaskNotFound,
    TooLarge,
    WorkspaceBusy,
)
from steersman.core.text import clean, is_clean
from steersman.core.tool import FileEntry

router = routes(tags=["workspaces"])

_LAST_SECOND = 253_402_300_799.0
"""The end of the year 9999; an archive can give a file any time."""

_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-tar": {"schema": {"type": "string", "format": "binary"}},
            "application/gzip": {"schema": {"type": "string", "format": "binary"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": GIT_SCHEMA, "example": GIT_EXAMPLE},
        },
    }
}


@router.get(
    "/tasks/{task_id}/files",
    responses={
        200: answer("The files.", FileList, FILES),
        **problems(TaskNotFound, StoreUnavailable),
    },
)
async def list_files(task_id: TaskInPath, api: Api, owner: Owner) -> JSONResponse:
    """List the files of the task's workspace as they are now."""
    listing = await api.workspaces.files(task_id, owner)
    files = tuple(_file_item(file) for file in listing.files)
    body = FileList(files=files, truncated=listing.truncated)
    return JSONResponse(body.model_dump(mode="json"))


@router.get(
    "/tasks/{task_id}/files/{path:path}",
    responses={
        200: content("The file.", "application/octet-stream"),
        **problems(TaskNotFound, NotFound, TooLarge, StoreUnavailable),
    },
)
async def read_file(
    task_id: TaskInPath,
    path: Annotated[str, Path(examples=["shop/cart.py"])],
    api: Api,
    owner: Owner,
) -> StreamingResponse:
    """Read one file of the task's workspace."""
    if not is_clean(path) or not path:
        raise NotFound
    found = await api.workspaces.file(task_id, owner, path)
    return _attachment(found, path.rpartition("/")[2], "application/octet-stream")


@router.get(
    "/tasks/{task_id}/diff",
    responses={
        200: content("A unified diff.", "text/plain", DIFF),
        **problems(TaskNotFound, StoreUnavailable),
    },
)
async def read_diff(task_id: TaskInPath, api: Api, owner: Owner) -> StreamingResponse:
    """Read what has changed in the workspace since the task's start."""
    diff = await api.workspaces.diff(task_id, owner)
    return _attachment(diff, f"{task_id}.diff", "text/plain")


@router.get(
    "/tasks/{task_id}/archive",
    responses={
        200: content("A tar of all files.", "application/x-tar"),
        **problems(TaskNotFound, StoreUnavailable),
    },
)
async def read_archive(task_id: TaskInPath, api: Api, owner: Owner) -> StreamingResponse:
    """Read the whole workspace."""
    archive = await api.workspaces.archive(task_id, owner)
    return _attachment(archive, f"{task_id}.tar", "application/x-tar")


@router.get(
    "/tasks/{task_id}/artifacts/{sha256}",
    responses={
        200: content("The whole text.", "text/plain", "all of a long output"),
        **problems(TaskNotFound, NotFound, StoreUnavailable),
    },
)
async def read_artifact(
    task_id: TaskInPath,
    sha256: Annotated[str, Path(examples=["0" * 64])],
    api: Api,
    owner: Owner,
) -> StreamingResponse:
    """Read a text that was too long for its event, by the name that the event gives."""
    if re.fullmatch(r"[0-9a-f]{64}", sha256) is None:
        raise NotFound("There is no artifact by that name.")
    artifact = await api.workspaces.artifact(task_id, owner, sha256)
    return _attachment(artifact, f"{sha256}.txt", "text/plain")


@router.put(
    "/workspaces/{name:path}",
    status_code=201,
    openapi_extra=_UPLOAD,
    responses={
        201: answer("The workspace holds it.", WorkspaceStored, STORED),
        **problems(Malformed, WorkspaceBusy, TooLarge, Invalid, StoreUnavailable),
    },
)
async def put_workspace(
    name: Annotated[WorkspaceName, Path()], request: Request, api: Api, owner: Owner
) -> JSONResponse:
    """Replace a workspace's files by those of an archive or of a git repository's commit.

    The body is a tar (plain or compressed), a zip, or JSON that names a repository.
    """
    if is_json(request.headers):
        stored = await api.workspaces.put_git(owner, name, await read_git_source(request))
    else:
        async with spooled(request) as archive:
            stored = await api.workspaces.put_archive(owner, name, archive)
    body = WorkspaceStored(workspace=name, files=stored.files, bytes=stored.size_bytes)
    return JSONResponse(body.model_dump(mode="json"), 201)


def _file_item(file: FileEntry) -> FileItem:
    modified_at = datetime.fromtimestamp(min(max(file.modified_at, 0.0), _LAST_SECOND), UTC)
    return FileItem(path=clean(file.path), bytes=file.size_bytes, modified_at=modified_at)


def _attachment(found: Content, file_name: str, media_type: str) -> StreamingResponse:
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file_name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    if found.size_bytes is not None:
        headers["Content-Length"] = str(found.size_bytes)
    return StreamingResponse(found.chunks, headers=headers, media_type=media_type)
