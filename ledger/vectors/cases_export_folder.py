"""Export folders, good and bad (SPEC 16.6)."""

from __future__ import annotations

from typing import Any

from cases import Case, case, good
from forge import Forge, hex64, signer
from forge_export import JSONL, Made, exported, lines, made, small_folder, summed
from personactl_ledger.export_state import Selection


@case
def export_folder() -> Case:
    return exported("JSON lines and tiles of one tree, with SHA256SUMS.", "", small_folder())


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


@case
def export_folder_excerpt_fail() -> Case:
    forge = Forge()
    forge.note("by nobody", by=signer("nobody"))
    forge.checkpoint()
    files = summed(made(forge, selection=Selection(stop=1)) | made(forge, tiles=True))
    return exported("An excerpt stands beside tiles that hold an entry by an unknown key.", "", files,
                    "ledger.signer-unknown")  # fmt: skip
