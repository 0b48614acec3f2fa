"""Time-stamping a ledger's checkpoints (SPEC 15.4): what there is to stamp, judging an answer, keeping it.

A token is kept together with a `timestamp` entry that names it: both are there or neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint, parse_checkpoint
from personactl_ledger.database import storage_errors
from personactl_ledger.entry import sign_entry
from personactl_ledger.errors import FormatError, LedgerConflict, LedgerCorrupt, LedgerMissing, TimestampRefused
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.note import Vkey
from personactl_ledger.receipt import MAX_EVIDENCE, MAX_TIMESTAMPS
from personactl_ledger.signer import Signer
from personactl_ledger.stamp_rows import StampRow, has_token, insert_row, newest_row, rows_of
from personactl_ledger.statement import statement
from personactl_ledger.store import Store
from personactl_ledger.timestamping import StampReport, covered_bytes, imprint_matches, verify_token
from personactl_ledger.tsp import parse_response
from personactl_ledger.view import LedgerView

MAX_STAMP_BYTES = 512 * 1024
"""Tokens and evidence over one checkpoint, so that a receipt with all of them stays below 1 MiB (SPEC 15.4)."""
_LOOK = "openssl ts -reply -in FILE -text shows what a saved answer says; nothing was stored"
_ASK_AGAIN = "name the request that it answers, or ask the service again; nothing was stored"
MAX_CANDIDATES = 1000
"""Checkpoints that an answer from elsewhere is compared with, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a token is to be about: a checkpoint, or one with the token of `renews`. `covered` are the bytes."""

    size: int
    covered: bytes
    checkpoint_sha256: str
    renews: StampRow | None


def next_target(view: LedgerView, *, renew: bool) -> Target:
    """The latest checkpoint, or the newest token to renew.

    Raises LedgerMissing: ledger.no-checkpoint, or ledger.no-timestamp when there is nothing to renew.
    """
    with storage_errors(view.path):
        row = newest_row(view.store) if renew else None
        if renew and row is None:
            raise LedgerMissing(
                "there is no time stamp to renew",
                hint="personactl ledger timestamp without --renew",
                code="ledger.no-timestamp",
            )
        head = view.store.latest_checkpoint() if row is None else _checkpoint(view.store, row.size)
    if head is None:
        raise LedgerMissing(
            "there is no checkpoint to time-stamp yet",
            hint="personactl ledger checkpoint",
            code="ledger.no-checkpoint",
        )
    return _target(view, head, row)


def judge_response(
    target: Target, response: bytes, *, roots: Sequence[str], evidence: Sequence[bytes], nonce: int | None
) -> StampReport:
    """Check a service's answer before it is kept. With `roots` (PEM) its service has to count for them.

    Raises TimestampRefused (exit 9): ledger.tsa-rejected with the words of the service, ledger.tsa-mismatch for another
    imprint or nonce, ledger.tsa-untrusted, ledger.tsa-response for anything else that does not hold.
    """
    require_granted(response)
    try:
        report = verify_token(response, [target.covered], roots=roots, evidence=evidence, nonce=nonce)
    except FormatError as error:
        wrong = error.code in ("ledger.token-imprint", "ledger.token-nonce")
        raise TimestampRefused(
            error.message,
            hint=_ASK_AGAIN if wrong else _LOOK,
            code="ledger.tsa-mismatch" if wrong else "ledger.tsa-response",
        ) from None
    if roots and report.untrusted is not None:
        raise TimestampRefused(
            f"the answer was not kept: {report.untrusted}",
            hint="check --tsa-roots, or give the missing certificates with --evidence",
            code="ledger.tsa-untrusted",
        )
    return report


def name_of(report: StampReport, given: str | None) -> str:
    """The text of the column `tsa`: what the operator calls the service, else its certificate's name, printable."""
    text = "".join(character for character in given or report.tsa if character.isprintable()).strip()
    return text[:200] or "unknown"


def require_granted(response: bytes) -> None:
    """Raises TimestampRefused (ledger.tsa-rejected, ledger.tsa-response) unless this is a token."""
    try:
        answer = parse_response(response)
    except FormatError as error:
        raise TimestampRefused(error.message, hint=_LOOK, code="ledger.tsa-response") from None
    if answer.token is None:
        raise TimestampRefused(
            f"the service refused to time-stamp: {answer.told}",
            hint="ask the service, or name another one",
            code="ledger.tsa-rejected",
        )


def find_target(view: LedgerView, response: bytes) -> Target:
    """Which checkpoint, or which renewal, an answer from elsewhere is about.

    Raises TimestampRefused: ledger.tsa-rejected, ledger.tsa-response, ledger.tsa-mismatch when it is about none.
    """
    require_granted(response)
    token = parse_response(response).token
    with storage_errors(view.path):
        for target in _targets(view):
            if token is not None and imprint_matches(token, target.covered):
                return target
    raise TimestampRefused(
        "the answer is not about a checkpoint of this ledger: its imprint is another one",
        hint="send the file that --write-request wrote, and name the ledger that it was made for",
        code="ledger.tsa-mismatch",
    )


def keep_stamp(
    ledger: Ledger,
    operator: Signer,
    target: Target,
    response: bytes,
    report: StampReport,
    *,
    tsa: str,
    evidence: Sequence[bytes],
    qualified: bool,
    now: str,
) -> int:
    """Store the token and append its entry, both or neither; returns the index of the entry (SPEC 15.4).

    Raises LedgerConflict (ledger.tsa-again) when the token is stored already, TimestampRefused (ledger.tsa-limit), and
    what `Ledger.append` raises.
    """
    with storage_errors(ledger.path):
        _require_room(ledger.store, target, response, evidence)
    renewed = target.renews
    predicate: dict[str, object] = {
        "origin": ledger.origin,
        "size": target.size,
        "tsa": tsa,
        "tokenSha256": hashlib.sha256(response).hexdigest(),
        "covers": None if renewed is None else hashlib.sha256(renewed.token).hexdigest(),
        "stampedAt": now,
    }
    if qualified:
        predicate["qualified"] = True
    payload = statement("timestamp", subject=("checkpoint", target.checkpoint_sha256), predicate=predicate)
    covers = None if renewed is None else renewed.id

    def keep(store: Store, _indexes: tuple[int, ...]) -> None:
        insert_row(store, target.size, tsa, report.hash_algorithm, response, covers, evidence, now)

    return ledger.append([Draft(sign_entry(payload, operator))], now=now, also=keep)[0]


def signing_keys(checkpoint: Checkpoint, groups: Sequence[tuple[Vkey, ...]]) -> tuple[tuple[Vkey, ...], ...]:
    """The ledger keys that signed a checkpoint whole: a token covers the lines of one of them (SPEC 15.1)."""
    return accept_checkpoint(checkpoint, groups).by


def _targets(view: LedgerView) -> Iterator[Target]:
    sql = "SELECT note FROM checkpoint ORDER BY size DESC LIMIT ?"
    for (note,) in view.store.connection.execute(sql, (MAX_CANDIDATES,)).fetchall():
        head = parse_checkpoint(str(note))
        yield _target(view, head, None)
        for row in reversed(rows_of(view.store, head.size)):
            yield _target(view, head, row)


def _target(view: LedgerView, head: Checkpoint, renews: StampRow | None) -> Target:
    keys = signing_keys(head, [key.vkeys for key in view.rules.keyring.log_keys(head.size)])
    if not keys:
        raise LedgerCorrupt(
            f"the checkpoint over {head.size} is not signed by an enrolled ledger key",
            where=str(view.path),
            code="ledger.checkpoint-signature",
        )
    plain = covered_bytes(head, keys[0], None)
    return Target(
        size=head.size,
        covered=plain if renews is None else plain + renews.token,
        checkpoint_sha256=hashlib.sha256(plain).hexdigest(),
        renews=renews,
    )


def _checkpoint(store: Store, size: int) -> Checkpoint | None:
    row = store.connection.execute("SELECT note FROM checkpoint WHERE size = ?", (size,)).fetchone()
    return None if row is None else parse_checkpoint(str(row[0]))


def _require_room(store: Store, target: Target, response: bytes, evidence: Sequence[bytes]) -> None:
    if has_token(store, response):
        raise LedgerConflict("this time stamp is in the ledger already", code="ledger.tsa-again")
    rows = rows_of(store, target.size)
    used = sum(len(row.token) + len(row.evidence) for row in rows) + len(response) + sum(map(len, evidence))
    if len(rows) >= MAX_TIMESTAMPS or used > MAX_STAMP_BYTES or len(evidence) > MAX_EVIDENCE:
        raise TimestampRefused(
            f"a receipt has no room for it: {MAX_TIMESTAMPS} time stamps for one checkpoint, {MAX_EVIDENCE} items of "
            f"evidence for each, {MAX_STAMP_BYTES} bytes for all together",
            hint="sign a new checkpoint and stamp that: personactl ledger checkpoint",
            code="ledger.tsa-limit",
        )
