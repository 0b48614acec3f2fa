"""Whether persons approved some bytes: m of n, by each person's latest word (SPEC 6.11).

Approvals(view, …)     every approval of a ledger, by the files that it speaks of
    .about(sha256)     approved | rejected | pending, and who counted
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from personactl_ledger.ed25519 import key_id, verify_signature
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.envelope import pae
from personactl_ledger.errors import LedgerError, ProfileError
from personactl_ledger.keyring import Keyring
from personactl_ledger.predicates import PERSON
from personactl_ledger.revocation import Distrust, ends_of

if TYPE_CHECKING:
    from personactl_ledger.view import LedgerView

Decision = Literal["approved", "rejected"]
Approvers = tuple[int, tuple[bytes, ...]]
"""(threshold, raw public keys), as in a trust file."""


@dataclass(frozen=True, slots=True)
class Word:
    """What one person's key says about the bytes: `index` is that of the approval entry, `reason` its text or ""."""

    key_id: str
    decision: Decision
    index: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The verdict. `counted` holds the latest word of each approver who spoke, in the order of the log, `threshold`
    and `approvers` (key ids) who was asked; 0 and () when nobody named approvers. `by_trust_entry` is the index of the
    trust entry that named them, None when the caller did."""

    verdict: Literal["approved", "rejected", "pending"]
    threshold: int
    approvers: tuple[str, ...]
    counted: tuple[Word, ...]
    by_trust_entry: int | None


@dataclass(frozen=True, slots=True)
class Named:
    """Who approves from entry `index` on: `threshold` of `keys` (key ids)."""

    index: int | None
    threshold: int
    keys: tuple[str, ...]


_NOBODY = Named(None, 0, ())


class Approvals:
    """What all approvals of a ledger say, by the file that they are about: read once, asked for many files.

    It keeps where each file is spoken of, about 250 bytes a file, and the entries that were asked for last. What is
    appended later is not in it.
    """

    def __init__(self, view: LedgerView, *, approvers: Approvers | None, revoked: Mapping[str, int] | None) -> None:
        """`LedgerView.approvals`."""
        self._view = view
        self._keyring = view.rules.keyring  # as it is now, also when the view reads its rules again
        self._distrust = Distrust(ends_of(self._keyring, revoked or {}))
        named = named_approvers(view, self._distrust)
        self._named = named if approvers is None else [_given(approvers)]
        self._places: dict[str, list[int]] = {}
        for stored in view.entries(kind="approval"):
            for sha256 in _decisions(stored.entry):
                self._places.setdefault(sha256, []).append(stored.index)
        self._said = lru_cache(maxsize=64)(self._read)

    def about(self, sha256: str) -> Approval:
        """The verdict on the bytes with this SHA-256 (64 hex digits)."""
        words = []
        for index in self._places.get(sha256, ()):
            decisions, keys = self._said(index)
            decision, reason = decisions[sha256]
            words += [Word(key, decision, index, reason) for key in keys]
        return _verdict(words, self._named)

    def _read(self, index: int) -> tuple[dict[str, tuple[Decision, str]], tuple[str, ...]]:
        """The decisions of one entry, and whose words they are. An entry that breaks SPEC 6.4 says nothing, for none of
        its signers."""
        entry = self._view.entry(index).entry
        holds = _holds(index, entry, self._keyring)
        keys = tuple(key for key in entry.key_ids if not self._distrust.falls(key, index)) if holds else ()
        return _decisions(entry), keys


def named_approvers(view: LedgerView, distrust: Distrust) -> list[Named]:
    """Nobody, and whom each trust entry that is believed names, in the order of the log (SPEC 6.12).

    `distrust` is fresh, and knows of every key entry afterwards.
    """
    named = [_NOBODY]
    for index, leaf in view.store.root_entries():
        entry = parse_entry(leaf)
        believed = not distrust.judge(index, entry)
        if believed and entry.kind == "trust":
            said = entry.predicate["approvers"] or {"threshold": 0, "keys": []}
            named.append(Named(index, said["threshold"], tuple(said["keys"])))
    return named


def _given(approvers: Approvers) -> Named:
    """Counted by key bytes: a key that is listed twice is one approver."""
    threshold, keys = approvers
    ids = tuple(dict.fromkeys(key_id(key) for key in keys))
    if not 1 <= threshold <= len(ids):
        raise ProfileError(f"{threshold} approvals cannot be asked of {len(ids)} different keys")
    return Named(None, threshold, ids)


def _decisions(entry: Entry) -> dict[str, tuple[Decision, str]]:
    """SHA-256 → decision and reason, of every file that an approval speaks of.

    In the excerpt `files` a later item about the same bytes is the later word, and each outweighs the entry's own.
    """
    found = {}
    own = _decision(entry.predicate)
    if own is not None:
        found[entry.subject_sha256] = own
    files = entry.predicate.get("files")
    for item in files if isinstance(files, list) else []:
        sha256 = item.get("sha256") if isinstance(item, dict) else None
        said = _decision(item) if isinstance(item, dict) else None
        if isinstance(sha256, str) and said is not None:
            found[sha256] = said
    return found


def _decision(said: Mapping[str, Any]) -> tuple[Decision, str] | None:
    decision, reason = said.get("decision"), said.get("reason")
    text = reason if isinstance(reason, str) else ""
    if decision == "approved":
        return "approved", text
    return ("rejected", text) if decision == "rejected" else None


def _holds(index: int, entry: Entry, keyring: Keyring) -> bool:
    """SPEC 6.4 for an approval: each signer a person whose key was in use here, each signature right."""
    message = pae(entry.payload)
    try:
        keys = [keyring.usable(key, PERSON, index) for key in entry.key_ids]
    except LedgerError:
        return False
    return all(
        key.added < index and verify_signature(key.public_key, signature.signature, message)
        for key, signature in zip(keys, entry.signatures, strict=True)
    )


def _verdict(words: Sequence[Word], named: Sequence[Named]) -> Approval:
    """SPEC 6.11. `named` is in the order of the log; one that the caller gave holds everywhere."""
    latest: dict[str, Word] = {}
    for word in words:
        if word.key_id in _below(word.index, named).keys:
            latest.pop(word.key_id, None)  # the order of the log is that of the latest words
            latest[word.key_id] = word
    asked = _below([*latest.values()][-1].index, named) if latest else named[-1]
    counted = tuple(word for word in latest.values() if word.key_id in asked.keys)
    yes = sum(word.decision == "approved" for word in counted)
    silent = sum(key not in latest for key in asked.keys)
    verdict: Literal["approved", "rejected", "pending"] = "pending"
    if asked.threshold and yes >= asked.threshold:
        verdict = "approved"
    elif asked.threshold and yes + silent < asked.threshold:
        verdict = "rejected"
    return Approval(
        verdict=verdict, threshold=asked.threshold, approvers=asked.keys, counted=counted, by_trust_entry=asked.index
    )


def _below(index: int, named: Sequence[Named]) -> Named:
    return next(item for item in reversed(named) if item.index is None or item.index < index)
