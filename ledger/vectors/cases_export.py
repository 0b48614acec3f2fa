"""Exports, good and bad: JSON lines, excerpts, tiles, folders (SPEC 16)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from cases import Case, Files, case, good
from forge import Forge, dumps, hex64, log_signer, signer
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


@case
def export_jsonl() -> Case:
    return exported("All entries, one a line.", JSONL, lines())


@case
def export_excerpt() -> Case:
    return exported("The lines of one run, and the hashes of what is left out.", JSONL, excerpt())


@case
def export_tiles() -> Case:
    return exported("261 entries in the layout of tlog-tiles: full and partial tiles.", "tiles", tiled(), forge=many())


@case
def export_folder() -> Case:
    return exported("JSON lines and tiles of one tree, with SHA256SUMS.", "", small_folder())


@case
def export_anchor() -> Case:
    receipt = good().receipt(3)
    return exported("A receipt that was handed out earlier lies on the tree.", JSONL, {}, base="export-jsonl",
                    anchors=["anchor-0"], extra={"anchor-0": receipt})  # fmt: skip


# --- JSON lines ------------------------------------------------------------------------------------------------------


def jsonl(why: str, data: bytes, code: str) -> Case:
    return exported(why, JSONL, {JSONL: data}, code, base="export-jsonl")


@case
def export_line_missing_fail() -> Case:
    kept = lines()[JSONL].splitlines(keepends=True)
    return jsonl("A line in the middle is missing.", b"".join(kept[:7] + kept[8:]), "export.size")


@case
def export_line_twice_fail() -> Case:
    kept = lines()[JSONL].splitlines(keepends=True)
    return jsonl("The last line stands twice.", b"".join([*kept, kept[-1]]), "export.size")


@case
def export_lines_swapped_fail() -> Case:
    kept = lines()[JSONL].splitlines(keepends=True)
    kept[5], kept[6] = kept[6], kept[5]
    return jsonl("Two lines changed places.", b"".join(kept), "ledger.checkpoint-root")


@case
def export_line_changed_fail() -> Case:
    data = lines()[JSONL].replace(b"eyJ", b"eyK", 1)
    return jsonl("A byte of a line was changed.", data, "ledger.checkpoint-root")


@case
def export_crlf_fail() -> Case:
    return jsonl("The lines end with CR LF.", lines()[JSONL].replace(b"\n", b"\r\n"), "export.line")


@case
def export_last_newline_fail() -> Case:
    return jsonl("The last line is not ended.", lines()[JSONL][:-1], "export.line")


@case
def export_empty_line_fail() -> Case:
    return jsonl("There is an empty line at the end.", lines()[JSONL] + b"\n", "export.line")


@case
def export_checkpoint_size_fail() -> Case:
    forge = good()
    forge.note("one more")
    head = forge.checkpoint()
    return exported("The checkpoint is over one entry more.", JSONL, {HEAD: head.encode()}, "export.size",
                    base="export-jsonl")  # fmt: skip


@case
def export_checkpoint_missing_fail() -> Case:
    return exported("The checkpoint is missing.", JSONL, {}, "export.files", base="export-jsonl", remove=[HEAD])


@case
def export_checkpoint_signature_fail() -> Case:
    forge = Forge()
    forge.checkpoint(log=log_signer("another log"))
    return exported("The checkpoint is signed by a key that the ledger did not enrol.", JSONL, made(forge),
                    "ledger.checkpoint-signature")  # fmt: skip


@case
def export_signer_unknown_fail() -> Case:
    forge = Forge()
    forge.note("by nobody", by=signer("nobody"))
    forge.checkpoint()
    return exported("An entry under a right checkpoint is signed by an unknown key.", JSONL, made(forge),
                    "ledger.signer-unknown")  # fmt: skip


@case
def export_trust_origin_fail() -> Case:
    return exported("Whole, but the trust file is for another ledger.", JSONL, {}, "ledger.trust-origin", exit_code=5,
                    base="export-jsonl", trust=Forge(domain="elsewhere.example").trust())  # fmt: skip


@case
def export_rollback_fail() -> Case:
    forge = good()
    forge.note("later")
    return exported("A later checkpoint of the ledger shows that the export was cut back.", JSONL, {},
                    "ledger.rollback", base="export-jsonl", anchors=["anchor-0"],
                    extra={"anchor-0": forge.checkpoint()})  # fmt: skip


@case
def export_fork_fail() -> Case:
    other = Forge()
    other.note("another history")
    return exported("The anchor is from another history of the same ledger.", JSONL, {}, "ledger.fork",
                    base="export-jsonl", anchors=["anchor-0"], extra={"anchor-0": other.checkpoint()})  # fmt: skip


# --- excerpts --------------------------------------------------------------------------------------------------------


def cut(why: str, code: str, **change: Any) -> Case:
    said = json.loads(excerpt()[EXCERPT]) | change
    return exported(why, JSONL, {EXCERPT: dumps(said).encode()}, code, base="export-excerpt")


def said() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(excerpt()[EXCERPT])
    return found


@case
def export_excerpt_moved_fail() -> Case:
    ranges = [[start + 1, stop + 1] for start, stop in said()["ranges"]]
    return cut("The lines are said to stand one place further.", "ledger.checkpoint-root",
               ranges=ranges, hashes=said()["hashes"])  # fmt: skip


@case
def export_excerpt_hash_fail() -> Case:
    return cut("A hash is another one.", "ledger.checkpoint-root", hashes=[*said()["hashes"][:-1], "A" * 43 + "="])


@case
def export_excerpt_few_fail() -> Case:
    return cut("A hash is missing.", "export.excerpt", hashes=said()["hashes"][:-1])


@case
def export_excerpt_many_fail() -> Case:
    return cut("There is a hash too many.", "export.excerpt", hashes=[*said()["hashes"], said()["hashes"][0]])


@case
def export_excerpt_overlap_fail() -> Case:
    return cut("Two ranges overlap.", "export.excerpt", ranges=[[6, 9], [8, 10]])


@case
def export_excerpt_line_fail() -> Case:
    data = excerpt()[JSONL].splitlines(keepends=True)
    return exported("A line of the excerpt is missing.", JSONL, {JSONL: b"".join(data[:-1])}, "export.size",
                    base="export-excerpt")  # fmt: skip


@case
def export_excerpt_log_key_fail() -> Case:
    forge = good()
    trust = forge.trust(logKeys=list(log_signer("another log").vkeys(forge.origin)))
    return exported("The excerpt holds, but not by log keys of the trust file.", JSONL, {}, "ledger.trust-log-key",
                    exit_code=5, base="export-excerpt", trust=trust)  # fmt: skip


@case
def export_excerpt_origin_fail() -> Case:
    return exported("The excerpt holds, but the trust file is for another ledger.", JSONL, {}, "ledger.trust-origin",
                    exit_code=5, base="export-excerpt", trust=Forge(domain="elsewhere.example").trust())  # fmt: skip


# --- tiles -----------------------------------------------------------------------------------------------------------


def tile(why: str, name: str, data: bytes, code: str) -> Case:
    return exported(why, "tiles", {f"tiles/{name}": data}, code, base="export-tiles", forge=many())


@case
def export_tile_fail() -> Case:
    data = changed("tiles/tile/0/000", 40, tiled())
    return tile("A hash in a full tile is wrong; the entries are right.", "tile/0/000", data, "export.tile")


@case
def export_tile_partial_fail() -> Case:
    data = changed("tiles/tile/1/000.p/1", 0, tiled())
    return tile("The hash in a partial tile of level 1 is wrong.", "tile/1/000.p/1", data, "export.tile")


@case
def export_tile_short_fail() -> Case:
    data = tiled()["tiles/tile/0/001.p/5"][:-32]
    return tile("A partial tile has a hash less than its name says.", "tile/0/001.p/5", data, "export.tile")


@case
def export_bundle_length_fail() -> Case:
    data = tiled()["tiles/tile/entries/001.p/5"]
    return tile("A length in an entry bundle is too large.", "tile/entries/001.p/5", b"\xff" + data[1:],
                "export.bundle")  # fmt: skip


@case
def export_bundle_rest_fail() -> Case:
    data = tiled()["tiles/tile/entries/001.p/5"]
    return tile("Bytes follow the last entry of a bundle.", "tile/entries/001.p/5", data + b"\x00", "export.bundle")


@case
def export_bundle_entry_fail() -> Case:
    data = changed("tiles/tile/entries/001.p/5", 60, tiled())
    return tile("A byte of an entry was changed; the tiles are right.", "tile/entries/001.p/5", data, "export.tile")


@case
def export_tile_extra_fail() -> Case:
    return tile("A tile that the tree does not have.", "tile/0/002.p/1", bytes(32), "export.files")


@case
def export_tile_missing_fail() -> Case:
    return exported("An entry bundle is missing.", "tiles", {}, "export.files", base="export-tiles", forge=many(),
                    remove=["tiles/tile/entries/001.p/5"])  # fmt: skip


@case
def export_tile_name_fail() -> Case:
    name = "tiles/tile/0/000"
    return exported("A tile whose number is not padded to three digits.", "tiles", {"tiles/tile/0/0": tiled()[name]},
                    "export.files", base="export-tiles", forge=many(), remove=[name])  # fmt: skip


@case
def export_tiles_checkpoint_fail() -> Case:
    forge = many()
    head = tiled()["tiles/checkpoint"].replace(b"\n261\n", b"\n260\n")
    return exported("The checkpoint names another size.", "tiles", {"tiles/checkpoint": head}, "export.files",
                    base="export-tiles", forge=forge)  # fmt: skip


@case
def export_tiles_rule_fail() -> Case:
    forge = Forge()
    forge.note("by nobody", by=signer("nobody"))
    forge.checkpoint()
    return exported("Right tiles over a log with an entry by an unknown key.", "tiles", made(forge, tiles=True),
                    "ledger.signer-unknown")  # fmt: skip


# --- folders ---------------------------------------------------------------------------------------------------------


def folder(why: str, files: Made, code: str, **more: Any) -> Case:
    return exported(why, "", files, code, base="export-folder", **more)


@case
def export_sums_fail() -> Case:
    return folder("A file was changed after SHA256SUMS was made.", {"README.md": b"another text\n"}, "export.sums")


@case
def export_sums_line_fail() -> Case:
    data = small_folder()["SHA256SUMS"] + f"{hex64('x')}  ../outside\n".encode()
    return folder("SHA256SUMS names a file outside the folder.", {"SHA256SUMS": data}, "export.sums")


@case
def export_file_extra_fail() -> Case:
    return folder("A file that SHA256SUMS does not name.", {"note.txt": b"x\n"}, "export.files")


@case
def export_file_missing_fail() -> Case:
    return folder("A file that SHA256SUMS names is missing.", {}, "export.files", remove=["README.md"])


@case
def export_forms_fail() -> Case:
    forge = good()
    forge.note("one more")
    forge.checkpoint()
    later = made(forge)
    files = summed(small_folder() | later)
    return folder("The JSON lines are of a later checkpoint than the tiles.",
                  {name: files[name] for name in (*later, "SHA256SUMS")}, "export.forms")  # fmt: skip


@case
def export_folder_empty_fail() -> Case:
    return exported("A folder without any entries.", "", summed({"README.md": b"an export\n"}), "export.files")


@case
def export_folder_line_fail() -> Case:
    data = lines()[JSONL].replace(b"eyJ", b"eyK", 1)
    files = summed(small_folder() | {JSONL: data})
    return folder("A line was changed, and SHA256SUMS made anew.",
                  {name: files[name] for name in (JSONL, "SHA256SUMS")}, "ledger.checkpoint-root")  # fmt: skip
