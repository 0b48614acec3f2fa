"""A new ledger after one that cannot go on (SPEC 17.3): founded by the root key, and its first word is `restore`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personactl_ledger.entry import sign_entry
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.sealed import seal
from personactl_ledger.signer import LogSigner, Signer
from personactl_ledger.statement import statement
from personactl_ledger.view import LedgerView


@dataclass(frozen=True, slots=True)
class Refrozen:
    """A version of a persona that the new ledger froze again: the entry that says so, when it was frozen first, and
    whether its name is sealed there."""

    persona: str
    version: int
    index: int
    record_sha256: str
    frozen_at: str
    sealed: bool


def begin_again(
    path: Path, old: LedgerView, *, restores: Mapping[str, Any], subject: str, reason: str, root: Signer,
    operator: Signer, log: LogSigner, now: str,
) -> tuple[str, tuple[Refrozen, ...], int]:  # fmt: skip
    """Write a new ledger at `path`: founded, `restore`, the personas that `old` froze, a checkpoint.

    Returns its origin, the personas, its size. Domain and development flag are those of `old`. Personas are frozen
    again because a run needs them in its own ledger; a name that was sealed is sealed again with a fresh salt. Raises
    what Ledger.create raises.
    """
    domain = old.entry(0).entry.predicate["domain"]
    with Ledger.create(
        path, domain=domain, development=old.development, root=root, operator_public=operator.public_key, log=log,
        now=now,
    ) as ledger:  # fmt: skip
        said = {"origin": ledger.origin, "restores": dict(restores), "reason": reason, "restoredAt": now}
        payload = statement("restore", subject=("checkpoint", subject), predicate=said)
        drafts, frozen = [Draft(sign_entry(payload, operator))], []
        for stored in old.entries(kind="persona-freeze"):
            drafts.append(_frozen_again(old, stored.index, ledger.origin, operator))
            frozen.append(stored.entry)
        indexes = ledger.append(drafts, now=now)[1:]
        ledger.checkpoint(log, now=now)
        personas = tuple(
            Refrozen(
                said["persona"]["id"], said["persona"]["version"], index, entry.subject_sha256,
                said.get("frozenAt", now), bool(draft.sealed),
            )
            for index, entry, draft in zip(indexes, frozen, drafts[1:], strict=True)
            for said in (entry.predicate,)
        )  # fmt: skip
        return ledger.origin, personas, ledger.size


def _frozen_again(old: LedgerView, index: int, origin: str, operator: Signer) -> Draft:
    entry = old.entry(index).entry
    sealed = tuple(seal(field, value) for field, value in old.unseal(index).items())
    said = {**entry.predicate, "origin": origin, "sealed": {item.field: item.commitment for item in sealed}}
    payload = statement("persona-freeze", subject=(entry.subject_name, entry.subject_sha256), predicate=said)
    return Draft(sign_entry(payload, operator), sealed)
