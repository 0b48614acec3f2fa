"""Who approves, and which witnesses count: the next version of the ledger's trust entry (SPEC 6.12).

A trust entry holds the whole state, so each of the two commands carries over what the other one said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from personactl_ledger import Draft, FormatError, Ledger
from personactl_ledger.cosignature import group_witnesses
from personactl_ledger.key_entries import trust_leaf
from personactl_ledger.signer import Signer

from personactl import continuity
from personactl.config import Config
from personactl.errors import UsageProblem
from personactl.keys import keyset, moments, project_trust
from personactl.keys.moments import Moment
from personactl.keys.people import at_hand, root_signers, signers
from personactl.keys.trust import MAX_LIST, is_key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustSet:
    """The newest trust entry: its index and version. `already` when it said the same before."""

    index: int
    version: int
    already: bool


def set_approvers(
    project: Config, threshold: int, kids: Sequence[str], *, now: Moment, more_roots: Sequence[Signer] = ()
) -> TrustSet:
    """Let the root key say who approves from now on, and bring trust.json up to date. What it says of witnesses stays.
    `now` is read under the writer's lock.

    Raises UsageProblem for a threshold that does not fit or what is no key id, EntryRefused (ledger.trust-approver) for
    a key that is no person's, KeyProblem (keys.root-offline), LedgerError, StorageError.
    """
    _require_fit(threshold, kids)
    return _say(project, {"approvers": {"threshold": threshold, "keys": list(kids)}}, now=now, more_roots=more_roots)


def set_witnesses(
    project: Config, quorum: int, vkeys: Sequence[str], *, now: Moment, more_roots: Sequence[Signer] = ()
) -> TrustSet:
    """Let the root key say which witnesses the ledger has from now on, none without `vkeys`; who approves stays. What
    trust.json asks of receivers is not changed by it. `now` is read under the writer's lock.

    Raises UsageProblem for what is no verifier key of a witness and a quorum that they cannot reach, FormatError
    (ledger.vkey) for a key of the ledger itself, KeyProblem (keys.root-offline), LedgerError, StorageError.
    """
    _require_witnesses(quorum, vkeys)
    said = {"quorum": quorum, "vkeys": list(vkeys)} if vkeys else None
    return _say(project, {"witnesses": said}, now=now, more_roots=more_roots)


def _say(project: Config, change: dict[str, Any], *, now: Moment, more_roots: Sequence[Signer]) -> TrustSet:
    keys = keyset.load(project.keys_path)
    with continuity.open_writer(project, signers=signers(keys, at_hand(keys, more_roots))) as ledger:
        time = moments.read(now)
        index, said = _newest(ledger)
        after = {key: said[key] for key in ("approvers", "witnesses")} | change
        already = all(said[key] == after[key] for key in after)
        version = said["version"] + (not already)
        if not already:
            leaf = trust_leaf(
                origin=ledger.origin, version=version, **after, roots=root_signers(keys, more_roots), now=time
            )
            (index,) = ledger.append([Draft(leaf)], now=time)
        ledger.checkpoint(keys.log, now=time)
        project_trust.refresh(project.trust_path, keys, ledger, now=time)
    return TrustSet(index=index, version=version, already=already)


def _newest(ledger: Ledger) -> tuple[int, dict[str, Any]]:
    """Index and content of the newest trust entry; version 0 before the first."""
    found: tuple[int, dict[str, Any]] = (-1, {"version": 0, "approvers": None, "witnesses": None})
    for item in ledger.entries(kind="trust"):
        found = (item.index, item.entry.predicate)
    return found


def _require_fit(threshold: int, kids: Sequence[str]) -> None:
    if len(set(kids)) != len(kids) or not 1 <= threshold <= len(kids) <= MAX_LIST:
        raise UsageProblem(
            f"{threshold} of {len(kids)} approvers: name each once, at most {MAX_LIST}; the threshold is from 1 to "
            "their number",
            hint="personactl keys approvers --threshold M KID KID…",
        )
    for kid in kids:
        if not is_key_id(kid):
            raise UsageProblem(
                f"{kid[:80]!r} is not the id of a key", hint="personactl keys enrol prints it; it begins with SHA256:"
            )


def _require_witnesses(quorum: int, vkeys: Sequence[str]) -> None:
    hint = "personactl ledger witness new prints the keys of a witness; give them in its order"
    try:
        number = len(group_witnesses(vkeys))
    except FormatError as error:
        raise UsageProblem(f"these are not keys of witnesses: {error.message}", hint=hint) from None
    if len(set(vkeys)) != len(vkeys) or len(vkeys) > MAX_LIST or not 0 <= quorum <= number:
        raise UsageProblem(
            f"{quorum} of {number} witnesses: name each key once, at most {MAX_LIST}; the quorum is from 0 to their "
            "number",
            hint=hint,
        )
