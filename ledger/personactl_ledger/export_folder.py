"""The export folder: all forms, and everything that a stranger needs to check them (SPEC 16.6)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from personactl_ledger.canonical import parse_document
from personactl_ledger.checkpoint import accept_checkpoint, log_signed_part, parse_checkpoint
from personactl_ledger.errors import LedgerError
from personactl_ledger.export_copy import check_copy, open_copy, write_copy
from personactl_ledger.export_csv import write_views
from personactl_ledger.export_jsonl import write_jsonl
from personactl_ledger.export_state import ExportState, Selection
from personactl_ledger.export_tiles import write_tiles
from personactl_ledger.shipped import DOCUMENTS, shipped
from personactl_ledger.view import LedgerView

JSONL, TILES, VIEWS, COPY, SUMS = "entries.jsonl", "tiles", "views", "ledger.sqlite", "SHA256SUMS"
STAMPS = "timestamps"
README = """\
# Export of a personactl ledger

    origin       {origin}
    entries      {size}
    tree head    {root}
    development  {development}

A ledger is an append-only list of signed statements. `SPEC.md` says which bytes are right and how they are checked.

## To check it

Keep this folder as it is; work on a copy. Nothing here needs the program that wrote it, or a network:

    sha256sum -c SHA256SUMS
    python3 -m venv venv && venv/bin/pip install cryptography
    venv/bin/python verify_ledger.py export . --trust TRUST.json --anchor RECEIPT

`verify_ledger.py` is one file. Take it from a place that you trust rather than from here, and read it: it is
short. `TRUST.json` says whose keys count; get it from the publisher by another way than this folder. `RECEIPT` is any
receipt or checkpoint that was handed out earlier. Without one a check cannot exclude that the ledger was cut back
before it was exported.

## What is here

| file | is |
|---|---|
| `entries.jsonl` | each line is one entry, byte for byte: a DSSE envelope around an in-toto statement |
| `entries.jsonl.checkpoint` | the signed tree head over all of them, with the cosignatures of witnesses |
| `tiles/` | the same log in the static layout of C2SP tlog-tiles |
| `ledger.sqlite` | the same log as a database. Open it with `sqlite3 -readonly ledger.sqlite` and ask the views |
| `views/` | the views as CSV; a `'` at the start of a cell was added (SPEC 16.7): take one away |
| `timestamps/` | RFC 3161 answers. `openssl ts -verify -in N.tsr -data N.data -CAfile ROOTS` |
| `SPEC.md` `predicates.md` `schema.sql` `verify_ledger.py` | what the bytes mean, and a program that checks them |
| `trust.json` | the trust file that the exporter added, if any. It proves nothing by itself |

Evidence are the entries and the checkpoint. Views, CSV and tiles are derived from them.

Personal data stands in no entry; entries hold salted commitments. {sealed}
"""
LEFT_OUT = "The values behind them were left out of this export."
INCLUDED = "{} of the values behind them, with their salts, are in `ledger.sqlite`, and some in `views/`."


def write_folder(
    view: LedgerView, state: ExportState, folder: Path, *, with_sealed: bool, trust: bytes | None = None
) -> int:
    """Write the whole folder; returns the number of sealed values in it.

    Raises LedgerMissing, LedgerCorrupt, LedgerError (code ledger.trust-origin) for the trust file of another ledger.
    """
    state.signed()
    if trust is not None:
        _require_ours(trust, view)
    folder.mkdir(mode=0o700)
    write_jsonl(view, state, Selection(), folder / JSONL)
    (folder / TILES).mkdir()
    write_tiles(view, state, folder / TILES)
    sealed = write_copy(view, state, folder / COPY, with_sealed=with_sealed)
    check_copy(view, state, folder / COPY)
    (folder / VIEWS).mkdir()
    with open_copy(folder / COPY) as copy:
        write_views(copy, folder / VIEWS, None)
    write_timestamps(view, state, folder / STAMPS)
    for name in DOCUMENTS:
        (folder / name).write_bytes(shipped(name))
    if trust is not None:
        (folder / "trust.json").write_bytes(trust)
    (folder / "README.md").write_text(_readme(view, state, sealed, with_sealed=with_sealed), encoding="utf-8")
    write_sums(folder)
    return sealed


def _require_ours(trust: bytes, view: LedgerView) -> None:
    """Raises LedgerError (code ledger.trust-origin, exit 5) for the trust file of another ledger."""
    said = parse_document(trust)
    origin = said.get("origin") if isinstance(said, dict) else None
    if origin != view.origin:
        raise LedgerError(
            f"the trust file is for {origin!r:.120}, and the ledger is {view.origin}",
            hint="personactl keys export",
            code="ledger.trust-origin",
            exit_code=5,
        )


def write_timestamps(view: LedgerView, state: ExportState, folder: Path) -> None:
    """Each token as an RFC 3161 response, beside the bytes that its imprint is over (SPEC 8.3); no folder when there is
    none."""
    from personactl_ledger.timestamping import imprint_matches  # these are only needed where there are time stamps
    from personactl_ledger.tsp import parse_token

    sql = (
        "SELECT t.id, CAST(t.token AS BLOB), c.note, CAST(o.token AS BLOB), CAST(t.evidence AS BLOB)"
        " FROM timestamp AS t JOIN checkpoint AS c ON c.size = t.size"
        " LEFT JOIN timestamp AS o ON o.id = t.covers WHERE t.id <= ? ORDER BY t.id"
    )
    for number, token, note, renewed, evidence in view.store.connection.execute(sql, (state.stamps,)).fetchall():
        folder.mkdir(exist_ok=True)
        head = parse_checkpoint(str(note))
        by = accept_checkpoint(head, [key.vkeys for key in view.rules.keyring.keys.values() if key.vkeys]).by
        texts = [log_signed_part(head, key) + (renewed or b"") for key in by] or [str(note).encode()]
        said = parse_token(token)
        covered = next((text for text in texts if imprint_matches(said, text)), texts[0])
        (folder / f"{number}.tsr").write_bytes(token)
        (folder / f"{number}.data").write_bytes(covered)
        if evidence:
            (folder / f"{number}.evidence").write_bytes(evidence)


def write_sums(folder: Path) -> None:
    """SHA256SUMS over every other file, as `sha256sum -c` reads it."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _readme(view: LedgerView, state: ExportState, sealed: int, *, with_sealed: bool) -> str:
    head, _ = state.signed()
    return README.format(
        origin=view.origin, size=head.size, root=head.root.hex(),
        development="yes: made with development keys, not for release" if view.development else "no",
        sealed=INCLUDED.format(sealed) if with_sealed else LEFT_OUT,
    )  # fmt: skip
