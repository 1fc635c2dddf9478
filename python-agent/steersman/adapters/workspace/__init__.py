"""The files of one workspace, and nothing outside of it."""

from steersman.adapters.workspace.files import MAX_FILE_BYTES, DirectoryFiles

__all__ = ["MAX_FILE_BYTES", "DirectoryFiles"]
