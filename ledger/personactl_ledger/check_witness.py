"""Cosignatures in a ledger file against their checkpoints, and the quorum of a trust file (SPEC 12.6, 14.9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from personactl_ledger.checkpoint import Checkpoint
from personactl_ledger.cosignature import NOT_COMPUTED, Witness, count_witnesses
from personactl_ledger.encoding import is_time
from personactl_ledger.entry import parse_entry
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import Findings
from personactl_ledger.note import parse_note
from personactl_ledger.trust import LedgerTrust, witnesses_of

_SELECT = (
    "SELECT size, CAST(coalesce(key_name, '') AS TEXT), CAST(coalesce(key_hash, '') AS BLOB),"
    " CAST(coalesce(line, '') AS TEXT), CAST(coalesce(received_at, '') AS TEXT)"
    " FROM cosignature NOT INDEXED ORDER BY size, key_name, key_hash"
)
_SELECT_TRUST = (
    "SELECT CAST(coalesce(leaf, '') AS BLOB) FROM entry NOT INDEXED WHERE kind = 'trust' ORDER BY idx DESC LIMIT 1"
)


def check_witnesses(
    connection: sqlite3.Connection, heads: Sequence[Checkpoint], trust: LedgerTrust | None, findings: Findings
) -> list[str]:
    """SPEC 14.9: each row is what its line says, lines of known witnesses hold, and the quorum is reached.

    `heads` are the stored checkpoints, smallest first. Notes: how far a quorum reaches, and what was not computed.
    """
    cosigned = _rows(connection, {head.size: head for head in heads}, findings)
    known = _known(connection, trust)
    counted = [(head, count_witnesses(head, known)) for head in cosigned.values()]
    for head, found in counted:
        for name in sorted(set(found.wrong)):
            findings.add("ledger.cosignature", f"the cosignature of {name} over {head.size} entries is wrong")
    notes = [NOT_COMPUTED] if any(found.unsupported for _, found in counted) else []
    if trust is not None and trust.witnesses[0] > 0:
        notes.append(check_quorum([cosigned.get(head.size, head) for head in heads], trust, findings))
    return notes


def _rows(connection: sqlite3.Connection, heads: dict[int, Checkpoint], findings: Findings) -> dict[int, Checkpoint]:
    """The checkpoints that have rows, with those lines that are what their row says."""
    lines: dict[int, list[str]] = {}
    for size, key_name, key_hash, line, received_at in connection.execute(_SELECT).fetchall():
        head = heads.get(size)
        if not is_time(received_at):
            findings.add("ledger.writer-clock", f"a cosignature over {size} entries: received_at is no time")
        if head is None:
            findings.add("ledger.cosignature", f"a cosignature is over {size} entries, and no checkpoint is")
        elif key_name == head.origin:
            findings.add("ledger.cosignature", f"a cosignature over {size} entries stands under the name of the log")
        elif _says(head, line) != (key_name, bytes(key_hash)):
            findings.add("ledger.cosignature", f"a row over {size} entries contradicts the signature line in it")
        else:
            lines.setdefault(size, []).append(line)
    return {size: _joined(heads[size], found, findings) for size, found in lines.items()}


def _says(head: Checkpoint, line: str) -> tuple[str, bytes] | None:
    """(key name, key hash) of one whole signature line, None when it is anything else."""
    if line.find("\n") != len(line) - 1:
        return None
    try:
        added = parse_note(head.note + line).signatures[len(parse_note(head.note).signatures) :]
    except LedgerError:
        return None
    return (added[0].name, added[0].key_hash) if len(added) == 1 else None


def _joined(head: Checkpoint, lines: list[str], findings: Findings) -> Checkpoint:
    note = head.note + "".join(lines)
    try:
        parse_note(note)
    except LedgerError:
        findings.add(
            "ledger.cosignature", f"the checkpoint over {head.size} has more cosignatures than a note can carry"
        )
        return head
    return Checkpoint(origin=head.origin, size=head.size, root=head.root, note=note)


def _known(connection: sqlite3.Connection, trust: LedgerTrust | None) -> tuple[Witness, ...]:
    """Witnesses of the trust file and of the newest trust entry."""
    row = connection.execute(_SELECT_TRUST).fetchone()
    return (*_named_by(row), *_named_in(trust))


def _named_by(row: tuple[bytes] | None) -> tuple[Witness, ...]:
    try:
        return witnesses_of(None if row is None else parse_entry(bytes(row[0]), later=True))
    except LedgerError:  # the leaf is a finding by itself
        return ()


def _named_in(trust: LedgerTrust | None) -> tuple[Witness, ...]:
    try:
        return () if trust is None else trust.witness_keys()
    except LedgerError:  # no key, no witness: a quorum is not reached
        return ()


def check_quorum(heads: Sequence[Checkpoint], trust: LedgerTrust, findings: Findings) -> str:
    """The latest checkpoint must be cosigned by the quorum; how far the newest that is reaches is said in any case."""
    quorum = trust.witnesses[0]
    keys = _named_in(trust)
    reached = next((head for head in reversed(heads) if _counted(head, keys) >= quorum), None)
    size = 0 if reached is None else reached.size
    if reached is None or reached is not heads[-1]:
        findings.add(
            "ledger.trust-witness",
            f"the latest checkpoint is not cosigned by {quorum} of the trust file's witnesses; "
            f"what they cosigned covers {size} entries",
        )
    return f"{quorum} of the {len(keys)} witnesses in the trust file cosigned the tree over {size} entries"


def _counted(head: Checkpoint, keys: tuple[Witness, ...]) -> int:
    """How many witnesses cosigned; none when a line of one is wrong (SPEC 14.4)."""
    found = count_witnesses(head, keys)
    return 0 if found.wrong else len(found.by)
