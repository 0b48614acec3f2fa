"""The columns of `entry` that are derived from the leaf (SPEC 11.1): written at append, derived again by check."""

from __future__ import annotations

from personactl_ledger.entry import Entry

COLUMNS = (
    "leaf_hash", "kind", "run", "entry_id", "job_key", "voids", "certifies",
    "subject_name", "subject_sha256", "key_id", "statement",
)  # fmt: skip
"""In the order of `project`; `idx`, `appended_at` and `leaf` are not derived."""

TAKES_BACK = {"void": "voids", "withdrawal": "withdraws"}
"""Kinds that take back an earlier entry, and the field with its index."""

Projection = tuple[bytes, str, str | None, str | None, str | None, int | None, str | None, str, str, str, str]


def project(entry: Entry) -> Projection:
    """The derived columns of one entry."""
    said = entry.predicate
    kind = entry.kind
    in_run = kind in ("output", "reject", "void")
    named = in_run or kind in ("adoption", "withdrawal")
    return (
        entry.leaf_hash,
        kind,
        _text(said.get("run")),
        said["entryId"] if named else None,
        said["jobKey"] if in_run else None,
        said[TAKES_BACK[kind]] if kind in TAKES_BACK else None,
        certified_key(entry),
        entry.subject_name,
        entry.subject_sha256,
        entry.key_ids[0],
        entry.payload.decode("utf-8"),
    )


def certified_key(entry: Entry) -> str | None:
    """The key that the entry certifies, if it is of a kind that does."""
    if entry.kind == "key-add":
        return str(entry.predicate["kid"])
    if entry.kind == "run-open":
        return str(entry.predicate["runKey"]["kid"])
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
