"""The checkpoint that a verifier keeps between checks (SPEC 12.9): a later one takes its place, a smaller one never."""

from __future__ import annotations

from personactl_ledger.checkpoint import Checkpoint, parse_checkpoint


def may_follow(note: str, kept: Checkpoint | None) -> bool:
    """Whether the checkpoint of a good check may be kept instead of `kept`, which that check was anchored to.

    `note` is empty where a check found none.
    """
    if not note:
        return False
    found = parse_checkpoint(note)
    return kept is None or (found.origin == kept.origin and found.size >= kept.size)
