"""Signed tree heads against the recomputed tree: stored checkpoints, trust, outside anchors (SPEC 12.5 to 12.7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint, parse_checkpoint
from personactl_ledger.encoding import is_time
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import Findings
from personactl_ledger.keyring import Keyring
from personactl_ledger.note import Vkey, decode_note
from personactl_ledger.proof import HEADER, parse_proof
from personactl_ledger.receipt import parse_receipt
from personactl_ledger.revocation import believed
from personactl_ledger.trust import LedgerTrust

_DISTRUSTED = (
    "the {} over {} entries is signed only by a ledger key that was revoked from before it, or fell with one that was:"
    " it proves nothing"
)
_SELECT_CHECKPOINTS = (
    "SELECT size, root, CAST(coalesce(note, '') AS TEXT), CAST(coalesce(created_at, '') AS TEXT) FROM checkpoint"
    " ORDER BY size"
)


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A row of the checkpoint table: `size` and `root_hex` are its columns, `checkpoint` its parsed note."""

    size: int
    root_hex: str
    checkpoint: Checkpoint


def read_checkpoints(connection: sqlite3.Connection, findings: Findings) -> list[StoredCheckpoint]:
    """Every stored checkpoint that can be parsed, smallest first (SPEC 12.5)."""
    found = []
    for size, root, note, created_at in connection.execute(_SELECT_CHECKPOINTS).fetchall():
        if not is_time(created_at):
            findings.add("ledger.writer-clock", f"checkpoint over {size} entries: created_at is no time")
        try:
            found.append(StoredCheckpoint(size, root, parse_checkpoint(note)))
        except LedgerError as error:
            findings.add(error.code, f"checkpoint over {size} entries: {error.message}")
    return found


def parse_anchor(data: bytes) -> Checkpoint:
    """The checkpoint inside a receipt, a tlog-proof, or a bare checkpoint (SPEC 12.7). Raises LedgerError."""
    if data.lstrip()[:1] == b"{":
        return parse_receipt(data).proof.checkpoint
    if data.startswith(HEADER.encode()):
        return parse_proof(decode_note(data)).checkpoint
    return parse_checkpoint(data)


def check_checkpoints(
    stored: Sequence[StoredCheckpoint],
    roots: Mapping[int, bytes],
    origin: str,
    keyring: Keyring,
    ends: Mapping[str, int],
    findings: Findings,
) -> str:
    """SPEC 12.5: columns, origin, root and signature of every stored checkpoint. `roots` maps sizes to tree heads,
    `ends` is what `ends_of` says. The note of the latest that holds."""
    latest = ""
    for row in stored:
        before = len(findings.items) + findings.left_out
        head = row.checkpoint
        if (row.size, row.root_hex, origin) != (head.size, head.root.hex(), head.origin):
            findings.add("ledger.checkpoint-columns", f"the row of the checkpoint over {row.size} contradicts its note")
        if head.size == 0:
            findings.add("ledger.checkpoint-malformed", "a stored checkpoint covers no entry")
        elif head.size not in roots:
            findings.add("ledger.truncated", f"a checkpoint covers {head.size} entries, and the file has fewer")
        elif roots[head.size] != head.root:
            findings.add(
                "ledger.checkpoint-root", f"the entries do not lead to the checkpoint over {head.size} entries"
            )
        signers = accept_checkpoint(head, [key.vkeys for key in keyring.log_keys(head.size)])
        if not signers.accepted:
            findings.add(
                "ledger.checkpoint-signature",
                f"the checkpoint over {head.size} is not signed by an enrolled ledger key, or a line of one is wrong",
            )
        elif not believed(head, signers.by, ends):
            findings.add("ledger.distrusted", _DISTRUSTED.format("checkpoint", head.size), severity="warning")
        if len(findings.items) + findings.left_out == before:
            latest = head.note
    return latest


def check_trust(
    trust: LedgerTrust,
    latest: Checkpoint | None,
    origin: str,
    genesis_signers: set[str],
    ends: Mapping[str, int],
    findings: Findings,
) -> None:
    """SPEC 12.6: the ledger is the one that the trust file names, by origin, root key and log keys."""
    if origin != trust.origin:
        findings.add("ledger.trust-origin", f"the ledger is {origin}, and the trust file is for {trust.origin}")
    if not trust.genesis_roots() & genesis_signers:
        findings.add("ledger.trust-root", "the genesis is not signed by a root key that the trust file names", 0)
    if latest is not None and not believed(latest, _by_trusted(latest, trust), ends):
        findings.add("ledger.trust-log-key", "the latest checkpoint is not signed by the log keys of the trust file")


def check_anchor(
    data: bytes,
    roots: Mapping[int, bytes],
    origin: str,
    keyring: Keyring,
    trust: LedgerTrust | None,
    ends: Mapping[str, int],
    findings: Findings,
) -> bool:
    """SPEC 12.7: an outside checkpoint must lie on this tree. Whether it does."""
    try:
        head = parse_anchor(data)
    except LedgerError as error:
        findings.add("ledger.anchor", f"the anchor cannot be read: {error.message}")
        return False
    if head.origin != origin:
        findings.add("ledger.anchor", f"the anchor is from {head.origin}, and the ledger is {origin}")
        return False
    signers = accept_checkpoint(head, [key.vkeys for key in keyring.keys.values() if key.vkeys]).by
    signers += _by_trusted(head, trust) if trust is not None else ()
    if not signers:
        findings.add("ledger.anchor", "the anchor is not signed by this ledger's key")
        return False
    if not believed(head, signers, ends):
        findings.add("ledger.distrusted", _DISTRUSTED.format("anchor", head.size), severity="warning")
        return False
    if head.size == 0:
        findings.add("ledger.anchor", "the anchor covers no entry")
        return False
    if head.size not in roots:
        findings.add(
            "ledger.rollback", f"the anchor covers {head.size} entries, and the file has fewer: it was cut back"
        )
        return False
    if roots[head.size] != head.root:
        findings.add(
            "ledger.fork", f"the anchor over {head.size} entries is not part of this tree: history was changed"
        )
        return False
    return True


def check_covered(shown: int, signed: int, findings: Findings) -> bool:
    """SPEC 12.6, 12.7: whether the file keeps a checkpoint, and one over at least the `shown` entries of an anchor that
    holds; 0 is none."""
    if shown == signed == 0:
        findings.add("ledger.trust-log-key", "there is no checkpoint that the log keys of the trust file signed")
    if shown > signed:
        findings.add(
            "ledger.no-checkpoint",
            f"an anchor shows a signed checkpoint over {shown} entries, and the file's reach to {signed}: "
            "checkpoints were removed",
        )
    return shown <= signed


def _by_trusted(head: Checkpoint, trust: LedgerTrust) -> tuple[tuple[Vkey, ...], ...]:
    """The ledger keys of the trust file that accept the checkpoint, none when one of its lines is wrong (SPEC 7.4)."""
    try:
        found = accept_checkpoint(head, trust.ledger_keys())
    except LedgerError:
        return ()
    return found.by if found.accepted else ()
