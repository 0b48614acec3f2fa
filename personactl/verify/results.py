"""Verdicts that are kept until the last one is there, in a file, not in memory: a document names its totals first."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Collection, Iterator
from types import TracebackType
from typing import IO, Any

from personactl.errors import StorageError, worst_exit
from personactl.verdict import Verdict
from personactl.verify import wire
from personactl.verify.document import file_document

IN_MEMORY = 1 << 20
"""Bytes of verdicts, about 1,000 of them, that need no file."""


class Results(Collection[Verdict]):
    """The verdicts of one command in their order. With `keep` they can be read again, as often as need be, from a file
    without a name in TMPDIR; without it only the totals are there. Raises StorageError when that file cannot grow."""

    def __init__(self, *, keep: bool) -> None:
        self.counts: Counter[str] = Counter()
        self._codes: set[int] = set()
        self._keep = keep
        self._file: IO[bytes] = io.BytesIO()
        self._in_memory = True

    @property
    def exit_code(self) -> int:
        """The exit code of all files together: the worst, in the order of the product contract."""
        return worst_exit(sorted(self._codes))

    @property
    def documents(self) -> Collection[dict[str, Any]]:
        """What `document` says of each file, made one at a time while it is read."""
        return _Documents(self)

    def add(self, verdict: Verdict) -> None:
        self.counts[verdict.verdict] += 1
        self._codes.add(verdict.exit_code)
        if not self._keep:
            return
        try:
            if self._in_memory and self._file.tell() > IN_MEMORY:
                self._file = _on_disk(self._file)
                self._in_memory = False
            self._file.write(wire.frame(verdict))
        except OSError as error:
            raise _unkept(error) from error

    def __len__(self) -> int:
        return self.counts.total()

    def __contains__(self, item: object) -> bool:
        return any(item == verdict for verdict in self)

    def __iter__(self) -> Iterator[Verdict]:
        """Every verdict again; one walk at a time, since there is one file."""
        if not self._keep:
            raise ValueError("these verdicts were counted and not kept")
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        try:
            while self._file.tell() < end:
                size = int.from_bytes(self._file.read(wire.LENGTH_BYTES), "big")
                yield wire.verdict_of(wire.value(self._file.read(size)))
        finally:
            self._file.seek(0, os.SEEK_END)

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class _Documents(Collection[dict[str, Any]]):
    def __init__(self, results: Results) -> None:
        self._results = results

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(file_document, self._results)

    def __contains__(self, item: object) -> bool:
        return any(item == document for document in self)


def _on_disk(file: IO[bytes]) -> IO[bytes]:
    """The same bytes in a file without a name, which is gone when this process is."""
    import tempfile

    larger = tempfile.TemporaryFile(prefix="personactl-verdicts-")  # noqa: SIM115 - `Results` closes it
    file.seek(0)
    while piece := file.read(IN_MEMORY):
        larger.write(piece)
    return larger


def _unkept(error: OSError) -> StorageError:
    import tempfile

    return StorageError(
        f"the verdicts cannot be kept until the last one is there: {error.strerror}",
        where=tempfile.gettempdir(),
        hint="free some space there, or set TMPDIR to a place with about 2 KB for each file",
    )
