"""The exports that the cases of SPEC 16 start from, as the exporter writes them, and what a case about one is."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from cases import Case, Files, good
from forge import Forge, dumps
from personactl_ledger.export_ledger import ExportTargets, export
from personactl_ledger.export_state import Selection

Made = dict[str, bytes]
"""Relative name → bytes."""


def made(forge: Forge, *, selection: Selection | None = None, tiles: bool = False) -> Made:
    """What the exporter writes: JSON lines, or tiles."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "out"
        folder.mkdir()
        ledger = Path(scratch) / "ledger.sqlite"
        connection = sqlite3.connect(ledger, isolation_level=None)
        connection.executescript(forge.dump())
        connection.close()
        if tiles:
            export(ledger, ExportTargets(tiles=folder / "tiles"))
        else:
            export(ledger, ExportTargets(jsonl=folder / "entries.jsonl"), selection=selection)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@cache
def lines() -> Made:
    return made(good())


@cache
def excerpt() -> Made:
    return made(good(), selection=Selection(run="spring-1a2b3c4d", first=6))


@cache
def tiled() -> Made:
    return made(many(), tiles=True)


@cache
def many() -> Forge:
    """261 entries."""
    forge = Forge()
    for number in range(258):
        forge.note(f"entry {number}")
    forge.checkpoint()
    return forge


@cache
def small_folder() -> Made:
    return summed(lines() | made(good(), tiles=True) | {"README.md": b"an export\n"})


def summed(files: Made) -> Made:
    """The files with SHA256SUMS over them."""
    listed = {name: data for name, data in files.items() if name != "SHA256SUMS"}
    text = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(listed.items()))
    return listed | {"SHA256SUMS": text.encode()}


def exported(why: str, path: str, files: Made, code: str = "", *, base: str = "", exit_code: int = 4,
             forge: Forge | None = None, trust: dict[str, Any] | None = None, **more: Any) -> Case:  # fmt: skip
    """A case. `files` are all files of the export, or, with `base`, those that differ from it."""
    vector = {"reader": "export", "path": path, "exit": exit_code if code else 0, **({"code": code} if code else {})}
    vector |= {"base": base} if base else {}
    extra: Files = more.pop("extra", {})
    out: Files = {f"export/{name}": data for name, data in files.items()}
    out |= {"trust.json": dumps(trust or (forge or good()).trust()), **extra}
    return why, vector | more, out


def changed(name: str, place: int, data: Made) -> bytes:
    """The file with one bit of one byte turned."""
    found = bytearray(data[name])
    found[place] ^= 1
    return bytes(found)


JSONL, HEAD, EXCERPT = "entries.jsonl", "entries.jsonl.checkpoint", "entries.jsonl.excerpt"
