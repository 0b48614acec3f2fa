"""Paths → the files to judge, each with the places where its receipt may lie. Sorted, and no link is followed.

A folder is searched to its bottom. What a delivery carries beside its pictures (receipts, JSON, Markdown, check sums)
is passed over, unless it begins like a picture: a name must not hide one. Everything else gets a verdict, links too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from personactl.verify.opening import begins_as_picture

RECEIPT_SUFFIX = ".receipt"
COMPANION_SUFFIXES = frozenset(
    {RECEIPT_SUFFIX, ".json", ".jsonl", ".md", ".html", ".csv", ".txt", ".pem", ".tsr", ".sha256"}
)
COMPANION_NAMES = frozenset({"SHA256SUMS", ".DS_Store", "Thumbs.db"})
BUNDLE_FILES, BUNDLE_RECEIPTS = "files", "receipts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One path to judge. `receipts` are the places to look for its receipt, nearest claim first."""

    path: Path
    receipts: tuple[Path, ...] = ()
    empty_folder: bool = False


def targets(paths: Sequence[Path], *, receipts: Path | None = None) -> Iterator[Target]:
    """Every file under `paths`, in the order given and sorted inside folders; a folder without any is a target too."""
    for given in paths:
        if not _is_folder(given):
            yield Target(path=given, receipts=_places(given, Path(given.name), receipts))
            continue
        found = False
        for path in _walk(given):
            found = True
            relative = path.relative_to(given)
            yield Target(path=path, receipts=_places(path, relative, receipts or _bundled(given, relative)))
        if not found:
            yield Target(path=given, empty_folder=True)


def _is_folder(path: Path) -> bool:
    """Whether it is a folder itself, not a link to one. False for what cannot be looked at; opening it says why."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _walk(folder: Path) -> Iterator[Path]:
    """Depth first, without recursion; a folder that is a link is a file here, so that a loop ends and is reported."""
    open_folders = [_children(folder)]
    while open_folders:
        if not open_folders[-1]:
            open_folders.pop()
            continue
        path, is_folder = open_folders[-1].pop(0)
        if is_folder:
            open_folders.append(_children(path))
        elif not _is_companion(path):
            yield path


def _children(folder: Path) -> list[tuple[Path, bool]]:
    """(path, whether it is a folder) by the names' bytes; a folder that cannot be read stands for itself."""
    try:
        with os.scandir(folder) as entries:
            names = sorted((os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError:
        return [(folder, False)]
    return [(folder / os.fsdecode(name), is_folder) for name, is_folder in names]


def _is_companion(path: Path) -> bool:
    known = path.suffix.lower() in COMPANION_SUFFIXES or path.name in COMPANION_NAMES
    return known and _is_no_link(path) and not begins_as_picture(path)


def _is_no_link(path: Path) -> bool:
    """Whether it is known to be anything but a link. What cannot be looked at is not passed over."""
    try:
        return not stat.S_ISLNK(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _bundled(root: Path, relative: Path) -> Path | None:
    """The receipts folder of a release bundle, when the file lies under its `files/`."""
    folder = root / BUNDLE_RECEIPTS
    inside = relative.parts[0] == BUNDLE_FILES and len(relative.parts) > 1
    return folder if inside and _is_folder(folder) else None


def _places(path: Path, relative: Path, receipts: Path | None) -> tuple[Path, ...]:
    beside = path.with_name(path.name + RECEIPT_SUFFIX) if path.name else None
    places = [] if receipts is None else [receipts / _with_suffix(item) for item in _inside(relative)]
    return tuple(dict.fromkeys([*places, *([beside] if beside else [])]))


def _inside(relative: Path) -> tuple[Path, ...]:
    """The file's place under the folder, under the bundle's `files/`, and its bare name."""
    within = Path(*relative.parts[1:]) if len(relative.parts) > 1 and relative.parts[0] == BUNDLE_FILES else relative
    return (relative, within, Path(relative.name))


def _with_suffix(path: Path) -> Path:
    return path.with_name(path.name + RECEIPT_SUFFIX)
