"""What is brought to a restore beside the backup: exports in JSON lines, and the checkpoints that lie beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from personactl_ledger.database import require_file, storage_errors
from personactl_ledger.errors import LedgerCorrupt
from personactl_ledger.export_jsonl import CHECKPOINT

MAX_LEAF = 65_535


def exact_leaves(paths: Iterable[Path]) -> Iterator[bytes]:
    """The leaves in JSONL exports, one a line, byte for byte. Raises LedgerCorrupt (code ledger.replay)."""
    for path in paths:
        require_file(path)
        with storage_errors(path), path.open("rb") as stream:
            while line := stream.readline(MAX_LEAF + 2):
                leaf = line.rstrip(b"\r\n")
                if len(leaf) > MAX_LEAF:
                    raise LedgerCorrupt("a line is longer than a leaf can be", where=str(path), code="ledger.replay")
                if leaf:
                    yield leaf


def checkpoints_beside(paths: Iterable[Path]) -> list[Path]:
    """The checkpoint files that stand beside exports under the name that an export gives them (SPEC 16.2)."""
    return [beside for path in paths if (beside := path.with_name(path.name + CHECKPOINT)).is_file()]
