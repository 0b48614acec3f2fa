"""From what a stripped picture still carries to the entries that it may come from, the strongest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from personactl.verdict import EntryCandidate
from personactl.verify.evidence import Pixels, Record

if TYPE_CHECKING:
    from personactl.verify.ledger_source import LedgerSource


def find(pixels: Pixels, records: Sequence[Record], ledger: LedgerSource | None) -> tuple[EntryCandidate, ...]:
    """Candidates by watermark and by ISCC: in the ledger, else by the watermark in the receipt beside the file."""
    payload = pixels.payload if pixels.state == "present" else ""
    found = () if ledger is None else ledger.candidates(payload, pixels.codes)
    if found or not payload:
        return found
    for record in records:
        if record.state == "proven" and record.index is not None and record.entry_id.startswith(payload):
            return (
                EntryCandidate(
                    entry_id=record.entry_id, origin=record.origin, index=record.index, by="watermark", distance=0,
                    of=64, persona=record.persona,
                ),
            )  # fmt: skip
    return ()


def agreed(candidates: Sequence[EntryCandidate]) -> frozenset[str]:
    """The entries that watermark and ISCC both point to."""
    by = {way: {near.entry_id for near in candidates if near.by == way} for way in ("watermark", "iscc")}
    return frozenset(by["watermark"] & by["iscc"])


def ranked(candidates: Sequence[EntryCandidate]) -> tuple[EntryCandidate, ...]:
    """First what both ways point to, then the watermark, then the ISCC; each by distance, then by index."""
    both = agreed(candidates)
    return tuple(
        sorted(candidates, key=lambda near: (near.entry_id not in both, near.by == "iscc", near.distance, near.index))
    )


def leading(candidates: Sequence[EntryCandidate]) -> EntryCandidate | None:
    """The one candidate that stands before all others, None when several entries are equally likely."""
    if not candidates:
        return None
    first, both = candidates[0], agreed(candidates)
    rivals = [
        near
        for near in candidates
        if near.entry_id != first.entry_id
        and (near.entry_id in both) == (first.entry_id in both)
        and (near.by, near.distance) == (first.by, first.distance)
    ]
    return None if rivals else first
