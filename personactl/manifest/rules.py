"""What no single key can tell: ids that clash, scenes that are missing, and the number of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from personactl.document import Fault, did_you_mean
from personactl.document.keys import section_of
from personactl.manifest.keys import MANIFEST, MAX_SHOTS


def cross_faults(value: dict[str, Any]) -> Iterator[Fault]:
    """Faults between keys. Values of the wrong type are left to the keys' own checks."""
    scenes = _rows(value, "scene")
    shots = _rows(value, "shot")
    yield from _duplicate_ids("scene", scenes)
    yield from _duplicate_ids("shot", shots)
    known = [row["id"] for _, row in scenes if isinstance(row.get("id"), str)]
    for index, row in shots:
        scene = row.get("scene")
        if isinstance(scene, str) and scene not in known:
            hint = did_you_mean(scene, known) or "add a [[scene]] with this id"
            message = f'there is no [[scene]] with the id "{scene[:64]}"'
            yield Fault(path=("shot", index, "scene"), code="unknown-scene", message=message, hint=hint)
    yield from _too_many(shots)
    yield from _label(value.get("output"))
    yield from _watermarker(value.get("output"))


def _label(output: object) -> Iterator[Fault]:
    """Leaving the label out needs a reason; a reason without that says nothing, and nothing is ignored."""
    if not isinstance(output, dict):
        return
    setting, reasoned = output.get("label", "auto"), "label_reason" in output
    if setting == "never" and not reasoned:
        message = 'label = "never" needs a reason'
        hint = 'add label_reason = "…"; it is public: it stands in the file and in the ledger'
        yield Fault(path=("output", "label"), code="label-reason", message=message, hint=hint)
    if reasoned and setting in ("auto", "always"):
        message = f'"label_reason" is why no label is drawn, and label is "{setting}"'
        hint = 'remove it, or set label = "never"'
        yield Fault(path=("output", "label_reason"), code="label-reason", message=message, hint=hint, at="key")


def _watermarker(output: object) -> Iterator[Fault]:
    """A scheme for a watermark that is not made says nothing, and nothing is ignored."""
    if isinstance(output, dict) and output.get("watermark") is False and "watermarker" in output:
        message = '"watermarker" names the scheme of a watermark, and watermark is false'
        hint = "remove one of the two"
        yield Fault(path=("output", "watermarker"), code="watermarker-unused", message=message, hint=hint, at="key")


def right_table(fault: Fault) -> Fault:
    """An unknown key that another table of the manifest has is sent there; every other fault stays as it is."""
    name = fault.path[-1] if fault.path else ""
    if fault.code != "unknown-key" or (fault.hint or "").startswith("did you mean"):
        return fault
    for table in MANIFEST.keys:
        section = section_of(table.kind)
        if section is not None and any(key.name == name for key in section.keys):
            return replace(fault, hint=f'"{name}" belongs in {section.name}')
    return fault


def _rows(value: dict[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
    rows = value.get(name)
    if not isinstance(rows, list):
        return []
    return [(index, row) for index, row in enumerate(rows) if isinstance(row, dict)]


def _duplicate_ids(name: str, rows: list[tuple[int, dict[str, Any]]]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, row in rows:
        ident = row.get("id")
        if not isinstance(ident, str):
            continue
        if ident in seen:
            message = f'two [[{name}]] have the id "{ident[:64]}"'
            yield Fault(path=(name, index, "id"), code="duplicate-id", message=message, hint="give each its own id")
        seen.add(ident)


def _too_many(shots: list[tuple[int, dict[str, Any]]]) -> Iterator[Fault]:
    """The expansion cap: a few bytes must not ask for millions of pictures."""
    total = 0
    for index, row in shots:
        count = row.get("count", 1)
        total += count if isinstance(count, int) and 1 <= count <= MAX_SHOTS else 1
        if total > MAX_SHOTS:
            path = ("shot", index, "count") if "count" in row else ("shot", index)
            message = f"the manifest asks for more than {MAX_SHOTS} pictures"
            yield Fault(path=path, code="too-many-shots", message=message, hint="split the campaign")
            return
