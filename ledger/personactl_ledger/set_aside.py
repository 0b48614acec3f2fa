"""The files that a restore leaves beside a ledger: what stood there, and what is left of a ledger that ended."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from personactl_ledger.database import storage_errors


def aside_name(target: Path, now: str) -> Path:
    """A free name for the file that stood at `target`."""
    stamp = "".join(character for character in now[:19] if character.isdigit() or character == "T")
    name = f"{target.stem}.before-restore-{stamp}Z"
    aside = target.with_name(name + target.suffix)
    number = 2
    while aside.exists():
        aside, number = target.with_name(f"{name}-{number}{target.suffix}"), number + 1
    return aside


def ended_name(target: Path, origin: str, size: int) -> Path:
    """The name for the first `size` entries of the ledger that ended."""
    return target.with_name(f"{target.stem}.ended-{origin[-16:]}-{size}{target.suffix}")


def files_beside(target: Path) -> tuple[Path, ...]:
    """`target` itself, if it is there, and the plain files of earlier restores beside it. Raises LedgerStorage."""
    with storage_errors(target):
        found = [target] if target.exists() else []
        return (*found, *(path for path in _left(target) if path.is_file() and not path.is_symlink()))


def _left(target: Path) -> Iterator[Path]:
    for what in ("before-restore", "ended"):
        pattern = f"{glob.escape(target.stem)}.{what}-*{glob.escape(target.suffix)}"
        yield from sorted(target.parent.glob(pattern))
