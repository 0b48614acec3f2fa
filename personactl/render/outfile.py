"""Files that a command writes beside its result (plans, reports, trust files): whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from personactl.errors import StorageError


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` by a temporary file in the same folder, fsync and rename; nothing partial stays.

    A file of that name is replaced. Raises StorageError when the folder cannot take it.
    """
    temporary: Path | None = None
    try:
        if path.is_dir():
            raise StorageError("this is a folder, not a file", where=str(path), hint="name a file")
        if not _ordinary(path):  # /dev/stdout, a named pipe: nothing to rename onto
            path.write_bytes(data)
            return
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write: {error.strerror}", where=str(path), hint="choose another place") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _ordinary(path: Path) -> bool:
    return path.is_file() or not path.exists()
