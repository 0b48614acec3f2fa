"""`-`: one file from standard input, copied to a file without a name before anything is read from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from personactl.errors import StorageError
from personactl.verify.limits import MAX_BYTES, MEBIBYTE
from personactl.verify.walking import Target

NAME = "-"


@dataclass(frozen=True, slots=True)
class StandardInput:
    """A place for what stdin holds. Processes that are to read it share its `descriptor` from their start on."""

    file: IO[bytes]

    @property
    def descriptor(self) -> int:
        return self.file.fileno()

    def target(self, stream: IO[bytes], receipt: Path | None = None) -> Target:
        """Copy `stream` up to its end, or to one byte more than is read of a file, which is then refused as too large.

        The target has no name, so that a receipt can only be given. Raises StorageError.
        """
        left = MAX_BYTES + 1
        try:
            while left and (piece := stream.read(min(MEBIBYTE, left))):
                self.file.write(piece)
                left -= len(piece)
            self.file.flush()
        except OSError as error:
            raise _no_room(error) from error
        return Target(path=Path(NAME), receipts=() if receipt is None else (receipt,), descriptor=self.descriptor)


@contextmanager
def place() -> Iterator[StandardInput]:
    """Raises StorageError where TMPDIR takes no file."""
    import tempfile

    try:
        file = tempfile.TemporaryFile(prefix="personactl-stdin-")  # noqa: SIM115 - closed below
    except OSError as error:
        raise _no_room(error) from error
    with file:
        yield StandardInput(file)


def _no_room(error: OSError) -> StorageError:
    import tempfile

    return StorageError(
        f"standard input cannot be kept while it is judged: {error.strerror}",
        where=tempfile.gettempdir(),
        hint="free some space there, or set TMPDIR to a place with more",
    )
