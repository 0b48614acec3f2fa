"""Paths → the files to judge, each with the places where its receipt may lie. Sorted, and no link is followed.

A folder is searched to its bottom. What a delivery carries beside its pictures (receipts, JSON, Markdown, check sums)
is passed over, unless it begins like a picture: a name must not hide one. Everything else gets a verdict, links too.
Check sums are not believed either: whoever changed a file can write them anew.

The names of one folder are in memory at a time, and of those above it; the next file is looked for when it is wanted.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from personactl.verify.opening import begins_as_picture

RECEIPT_SUFFIX = ".receipt"
COMPANION_SUFFIXES = frozenset(
    {RECEIPT_SUFFIX, ".json", ".jsonl", ".md", ".html", ".csv", ".txt", ".pem", ".tsr", ".sha256"}
)
COMPANION_NAMES = frozenset({"SHA256SUMS", ".DS_Store", "Thumbs.db"})
_PATTERN = re.compile(r"[*?\[]")
BUNDLE_FILES, BUNDLE_RECEIPTS = "files", "receipts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One path to judge. `receipts` are the places to look for its receipt, nearest claim first. `descriptor`: the
    bytes are not at the path but in this open file, which was copied from standard input."""

    path: Path
    receipts: tuple[Path, ...] = ()
    empty_folder: bool = False
    descriptor: int | None = None


def targets(paths: Sequence[Path | Target], *, receipts: Path | None = None) -> Iterator[Target]:
    """Every file under `paths`, in the order given and sorted inside folders; a folder without any is a target too.

    What is a target already stays as it is. A pattern (`*`, `?`, `[…]`, and `**` for any number of folders) stands for
    what it matches, sorted; where it matches nothing, and where a file has that very name, for itself.
    """
    for given in _expanded(paths):
        if isinstance(given, Target):
            yield given
        elif not _is_folder(given):
            yield Target(path=given, receipts=_places(str(given), given.name, receipts))
        else:
            yield from _inside(given, receipts)


def count(paths: Sequence[Path | Target]) -> int:
    """About how many targets there are: by the names alone, so that a picture called like a companion is missed."""
    return sum(
        1
        for given in _expanded(paths)
        for _ in (_walk(given, opening=False) if isinstance(given, Path) and _is_folder(given) else (given,))
    )


def _expanded(paths: Sequence[Path | Target]) -> Iterator[Path | Target]:
    for given in paths:
        if isinstance(given, Target) or not _PATTERN.search(str(given)) or os.path.lexists(given):
            yield given
            continue
        yield from _matching(given) or (given,)


def _matching(pattern: Path) -> list[Path]:
    """What is there, sorted. `**` follows no link, so that a loop of folders ends."""
    parts = pattern.parts
    first = next(place for place, part in enumerate(parts) if _PATTERN.search(part))
    try:
        return sorted(filter(_is_meant, Path(*parts[:first]).glob(str(Path(*parts[first:])))))
    except (OSError, ValueError):  # no name can be like this, or the folder cannot be read: judging it says so
        return []


def _is_meant(path: Path) -> bool:
    """Not what a delivery carries beside its pictures: `*` would else name every receipt."""
    return path.is_symlink() or not _is_companion(os.fsencode(path.name), str(path), opening=True)


def _inside(folder: Path, receipts: Path | None) -> Iterator[Target]:
    start = len(os.path.join(folder, ""))  # noqa: PTH118 - strings: a Path costs more than all else that is done here
    bundled = folder / BUNDLE_RECEIPTS
    brought = bundled if receipts is None and _is_folder(bundled) else None
    path = ""
    for path in _walk(folder, opening=True):
        relative = path[start:]
        inside = relative.startswith(BUNDLE_FILES + os.sep)
        yield Target(path=Path(path), receipts=_places(path, relative, brought if inside and brought else receipts))
    if not path:
        yield Target(path=folder, empty_folder=True)


def _is_folder(path: Path) -> bool:
    """Whether it is a folder itself, not a link to one. False for what cannot be looked at; opening it says why."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


@dataclass(slots=True)
class _Folder:
    """What is left of a folder: its `names`, last first, and which of them are what. A folder that cannot be read has
    one name, the empty one, and so stands for itself."""

    path: str
    names: list[bytes] = field(default_factory=list)
    folders: set[bytes] = field(default_factory=set)
    links: set[bytes] = field(default_factory=set)


def _walk(folder: Path, *, opening: bool) -> Iterator[str]:
    """Depth first, without recursion; a folder that is a link is a file here, so that a loop ends and is reported.

    `opening`: look into what is called like a companion.
    """
    above = [_read(os.fspath(folder))]
    while above:
        here = above[-1]
        if not here.names:
            above.pop()
            continue
        name = here.names.pop()
        path = os.path.join(here.path, os.fsdecode(name)) if name else here.path  # noqa: PTH118
        if name in here.folders:
            above.append(_read(path))
        elif name in here.links or not _is_companion(name, path, opening=opening):
            yield path


def _read(path: str) -> _Folder:
    """A folder with its names in order, by their bytes."""
    found = _Folder(path)
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = os.fsencode(entry.name)
                found.names.append(name)
                if entry.is_symlink():
                    found.links.add(name)
                elif entry.is_dir(follow_symlinks=False):
                    found.folders.add(name)
    except OSError:
        return _Folder(path, [b""])
    found.names.sort(reverse=True)
    return found


def _is_companion(name: bytes, path: str, *, opening: bool) -> bool:
    text = os.fsdecode(name)
    suffix = os.path.splitext(text)[1].lower()  # noqa: PTH122
    known = suffix in COMPANION_SUFFIXES or text in COMPANION_NAMES
    return known and not (opening and begins_as_picture(path))


def _places(path: str, relative: str, receipts: Path | None) -> tuple[Path, ...]:
    """In the folder of receipts: the file's place under the folder, under the bundle's `files/`, and its bare name;
    then beside the file."""
    if not relative:
        return ()
    places = [path]
    if receipts is not None:
        within = relative.removeprefix(BUNDLE_FILES + os.sep)
        bare = os.path.basename(relative)  # noqa: PTH119
        places = [*(os.path.join(receipts, name) for name in (relative, within, bare)), path]  # noqa: PTH118
    return tuple(Path(place + RECEIPT_SUFFIX) for place in dict.fromkeys(places))
