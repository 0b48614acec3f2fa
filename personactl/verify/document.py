"""Verdicts → the document `personactl.verify/1`, the exit code, and one line of words for people. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import personactl
from personactl.errors import worst_exit
from personactl.verdict import Verdict

if TYPE_CHECKING:
    from personactl.keys.trust import TrustFile

SCHEMA = "personactl.verify/1"
VERDICTS = ("pass", "fail", "unproven", "error")

_WORDS = {
    "integrity": {
        "exact": "exact bytes",
        "content": "content intact",
        "altered": "ALTERED",
        "unreadable": "unreadable",
        "not-checked": "nothing to compare the bytes with",
    },
    "credential": {"embedded": "credential embedded", "absent": "no credential", "remote": "credential elsewhere"},
    "trust": {
        "trusted": "signer trusted",
        "listed": "signer on a public list",
        "untrusted": "signer NOT trusted",
        "expired": "certificate expired",
        "not-checked": "signer not checked",
    },
    "disclosure": {
        "synthetic": "disclosed as synthetic",
        "edited": "disclosed as edited with a model",
        "missing": "disclosure missing",
        "contradictory": "disclosure contradicts itself",
    },
    "watermark": {"present": "watermark present", "absent": "no watermark"},
    "ledger": {"exact": "in the ledger", "similar": "candidate in the ledger", "absent": "not in the ledger"},
    "approval": {"approved": "approved", "rejected": "REJECTED", "pending": "approval pending"},
}
"""The words of each value. A value without words is left out of the line, as nothing was looked at."""


_WAYS = {"watermark": "watermark", "iscc": "ISCC"}


def document(verdicts: Sequence[Verdict], trust: Sequence[TrustFile], now: str) -> dict[str, Any]:
    """The result of `verify` for programs. `now`: RFC 3339 with Z."""
    counts: Counter[str] = Counter(verdict.verdict for verdict in verdicts)
    return {**head(counts, trust, now), "files": [file_document(verdict) for verdict in verdicts]}


def head(counts: Mapping[str, int], trust: Sequence[TrustFile], now: str) -> dict[str, Any]:
    """The document without its files, which come last; `counts` tells how many there are of each verdict."""
    return {
        "schema": SCHEMA,
        "verifiedAt": now,
        "detector": {"name": "personactl", "version": personactl.__version__},
        "trust": [{"name": item.name, "sha256": item.sha256, "issuedAt": item.issued_at} for item in trust],
        "summary": {"files": sum(counts.values()), **{name: counts.get(name, 0) for name in VERDICTS}},
    }


def file_document(verdict: Verdict) -> dict[str, Any]:
    """One of its files."""
    persona, entry = verdict.persona, verdict.entry
    return {
        "path": verdict.path,
        "sha256": verdict.sha256,
        "mediaType": verdict.media_type,
        "verdict": verdict.verdict,
        "axes": asdict(verdict.axes),
        "layers": {"required": verdict.layers_required, "found": list(verdict.layers_found)},
        "basis": list(verdict.basis),
        "persona": None if persona is None else {"id": persona[0], "version": persona[1]},
        "entry": None if entry is None else {"entryId": entry[0], "origin": entry[1], "index": entry[2]},
        "candidates": [
            {
                "entryId": near.entry_id,
                "origin": near.origin,
                "index": near.index,
                "by": near.by,
                "distance": near.distance,
                "of": near.of,
            }
            for near in verdict.candidates
        ],
        "findings": [asdict(finding) for finding in verdict.findings],
    }


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """The exit code of all files together: the worst, in the order of the product contract."""
    return worst_exit([verdict.exit_code for verdict in verdicts])


def verdict_word(verdict: Verdict) -> str:
    """The verdict as people read it; a pass under development keys always says so."""
    if verdict.verdict == "pass" and verdict.development:
        return "pass (development keys: not for release)"
    return verdict.verdict


def summary_line(verdict: Verdict) -> str:
    """One line for people, without the path: the verdict, the axes that were looked at, persona and entry.

    The text may hold characters from outside (a persona id, an origin): whoever prints it must escape it.
    """
    if verdict.axes.integrity == "unreadable":
        reasons = [item.message for item in verdict.findings if item.severity == "error"]
        return " · ".join([verdict_word(verdict), *reasons[:1]])
    words = [_word(verdict, axis, getattr(verdict.axes, axis)) for axis in _WORDS if _speaks(verdict, axis)]
    if verdict.persona is not None:
        words.append(f"{verdict.persona[0]}@{verdict.persona[1]}")
    if verdict.entry is not None:
        identifier, _, index = verdict.entry
        words.append(f"entry #{index}" if index is not None else f"entry {identifier[:16]}")
    return " · ".join([verdict_word(verdict), *(word for word in words if word)])


def _word(verdict: Verdict, axis: str, value: str) -> str:
    return _similar(verdict) if axis == "ledger" and verdict.candidates else _WORDS[axis].get(value, "")


def _similar(verdict: Verdict) -> str:
    """What it looks like, and how much: every entry where several are equally near."""
    near = verdict.candidates
    first = [item for item in near if item.entry_id == near[0].entry_id]
    told = ", ".join(f"{item.distance} of {item.of} {_WAYS[item.by]} bits differ" for item in first)
    entries = list(dict.fromkeys(item.index for item in near))
    if len(entries) == 1:
        return f"candidate in the ledger ({told})"
    return f"candidates in the ledger: {', '.join(f'#{index}' for index in entries)} (the first: {told})"


def _speaks(verdict: Verdict, axis: str) -> bool:
    """Without a credential, signer and disclosure are not worth a word: the missing credential says it."""
    unsigned = verdict.axes.credential != "embedded"
    return not (unsigned and axis in ("trust", "disclosure", "integrity") and getattr(verdict.axes, axis) in (
        "not-checked", "missing",
    ))  # fmt: skip
