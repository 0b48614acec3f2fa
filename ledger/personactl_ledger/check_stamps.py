"""Stored time stamps: rows, tokens, and the entries that name them (SPEC 15.6)."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint, parse_checkpoint
from personactl_ledger.encoding import is_time
from personactl_ledger.entry import parse_entry
from personactl_ledger.errors import FormatError, LedgerError
from personactl_ledger.findings import Findings
from personactl_ledger.keyring import Keyring
from personactl_ledger.revocation import believed
from personactl_ledger.trust import LedgerTrust

if TYPE_CHECKING:
    from personactl_ledger.check_signed import StoredCheckpoint
    from personactl_ledger.timestamping import StampReport

UNCHECKED = "{} time stamps: without tsaRoots in a trust file it was not checked whose they are"
_BYTES = 64 * 1024 + 1
"""One more than a token may have: whoever made the file need not have kept to that."""
_EVIDENCE = 1024 * 1024
_ROWS = (
    "SELECT id, size, CAST(coalesce(tsa, '') AS TEXT), CAST(coalesce(hash_algorithm, '') AS TEXT),"  # noqa: S608
    f" coalesce(substr(CAST(token AS BLOB), 1, {_BYTES}), X''), covers,"
    f" coalesce(substr(CAST(evidence AS BLOB), 1, {_EVIDENCE}), X'') FROM timestamp NOT INDEXED ORDER BY id"
)
_CLOCK = "SELECT id, CAST(coalesce(received_at, '') AS TEXT) FROM timestamp NOT INDEXED ORDER BY id"
_NEWER = "SELECT size, CAST(coalesce(note, '') AS TEXT) FROM checkpoint WHERE size > ? ORDER BY size"
_ENTRIES = "SELECT idx, CAST(coalesce(leaf, '') AS BLOB) FROM entry NOT INDEXED WHERE kind = 'timestamp' ORDER BY idx"


@dataclass(frozen=True, slots=True)
class _Known:
    """What later rows and the entries need of a row that was read."""

    size: int
    tsa: str
    token: bytes
    sha256: str
    covers: str | None
    checkpoint_sha256: str
    believed: bool


def check_timestamps(
    connection: sqlite3.Connection,
    stored: Sequence[StoredCheckpoint],
    keyring: Keyring,
    ends: Mapping[str, int],
    trust: LedgerTrust | None,
    findings: Findings,
) -> tuple[list[str], list[str]]:
    """SPEC 15.6. Returns what the latest token over the largest checkpoint that is believed shows, and what was not
    checked of them. `ends` is what `ends_of` says."""
    # A writer that is at work keeps a token and its entry at once: whatever is counted here has its row below.
    entries = int(connection.execute("SELECT coalesce(max(idx) + 1, 0) FROM entry NOT INDEXED").fetchone()[0])
    rows = connection.execute(_ROWS).fetchall()
    _clocks(connection, findings)
    heads = {row.checkpoint.size: row.checkpoint for row in stored} | _newer(connection, stored)
    roots = trust.tsa_roots if trust is not None else ()
    known: dict[int, _Known] = {}
    best: tuple[int, StampReport] | None = None
    seen: set[bytes] = set()
    for row in rows:
        try:
            if row[4] in seen:
                raise FormatError("its token stands in an earlier row")
            seen.add(row[4])
            report, said = _row(row, heads, keyring, ends, roots, known)
        except LedgerError as error:
            findings.add("ledger.timestamp", f"time stamp {row[0]}: {error.message}")
            continue
        known[row[0]] = said
        if roots and report.untrusted is not None:
            findings.add("ledger.timestamp-untrusted", f"time stamp {row[0]}: {report.untrusted}", severity="warning")
        elif roots and said.believed and (best is None or said.size >= best[0]):
            best = (said.size, report)
    _entries(connection, known, findings, below=entries if len(known) == len(rows) else 0)
    if best is not None:
        return [f"the checkpoint over {best[0]} entries {best[1].says}"], []
    return [], [UNCHECKED.format(len(rows))] if rows and not roots else []


def _clocks(connection: sqlite3.Connection, findings: Findings) -> None:
    for place, received_at in connection.execute(_CLOCK).fetchall():
        if not is_time(received_at):
            findings.add("ledger.writer-clock", f"time stamp {place}: received_at is no time")


def _newer(connection: sqlite3.Connection, stored: Sequence[StoredCheckpoint]) -> dict[int, Checkpoint]:
    """Checkpoints that a writer signed since `stored` was read."""
    last = stored[-1].checkpoint.size if stored else 0
    found = {}
    for size, note in connection.execute(_NEWER, (last,)).fetchall():
        with suppress(LedgerError):
            found[size] = parse_checkpoint(note)
    return found


def _row(
    row: tuple[Any, ...],
    heads: dict[int, Checkpoint],
    keyring: Keyring,
    ends: Mapping[str, int],
    roots: Sequence[str],
    known: dict[int, _Known],
) -> tuple[StampReport, _Known]:
    """One row against its token. Raises FormatError for the first thing that does not agree."""
    from personactl_ledger.der import split  # these and what they import are only needed where there are time stamps
    from personactl_ledger.timestamping import covered_bytes, verify_token

    _, size, tsa, algorithm, token, covers, evidence = row
    head = heads.get(size)
    if head is None:
        raise FormatError(f"there is no checkpoint over {size} entries")
    renewed = None if covers is None else known.get(covers)
    if covers is not None and (renewed is None or renewed.size != size):
        raise FormatError("it does not renew an earlier one over the same checkpoint")
    older = None if renewed is None else renewed.token
    keys = accept_checkpoint(head, [key.vkeys for key in keyring.log_keys(size)]).by
    plain = [covered_bytes(head, key, None) for key in keys]
    held = [value.encoded for value in split(evidence)]
    report = verify_token(token, [data + (older or b"") for data in plain], roots=roots, evidence=held)
    if report.hash_algorithm != algorithm:
        raise FormatError("its column names another hash algorithm than the token")
    return report, _Known(
        size=size,
        tsa=tsa,
        token=token,
        sha256=hashlib.sha256(token).hexdigest(),
        covers=None if renewed is None else renewed.sha256,
        checkpoint_sha256=hashlib.sha256(plain[0]).hexdigest(),
        believed=bool(believed(head, keys, ends)),
    )


def _entries(connection: sqlite3.Connection, known: dict[int, _Known], findings: Findings, *, below: int) -> None:
    """Entries and rows name each other. An entry from `below` on may name a token that was not read."""
    rows = {item.sha256: item for item in known.values()}
    named = set()
    for index, said, subject in _statements(connection):
        token = said.get("tokenSha256")
        row = rows.get(token) if isinstance(token, str) else None
        if row is None:
            if index < below:
                findings.add("ledger.timestamp-missing", "the token that it names is not in the file", index)
            continue
        named.add(row.sha256)
        if (said.get("size"), said.get("tsa"), said.get("covers"), subject) != (
            row.size, row.tsa, row.covers, row.checkpoint_sha256,
        ):  # fmt: skip
            findings.add("ledger.timestamp-entry", "it says something else than the token that it names", index)
    for place, item in known.items():
        if item.sha256 not in named:
            findings.add(
                "ledger.timestamp-unrecorded", f"no entry names the token of time stamp {place}", severity="warning"
            )


def _statements(connection: sqlite3.Connection) -> Iterator[tuple[int, dict[str, Any], str]]:
    """(index, predicate, subject digest) of every timestamp entry that parses; others were reported before."""
    for index, leaf in connection.execute(_ENTRIES):
        try:
            entry = parse_entry(leaf, later=True)
        except LedgerError:
            continue
        if entry.kind == "timestamp":
            yield index, entry.predicate, entry.subject_sha256
