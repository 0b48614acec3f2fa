"""Tables of keys as data: one description drives checking, the editor schema and the reference page.

A Key with `later` is documented and type-checked, then refused as not available yet: nothing that an operator writes is
ever ignored. A Section is itself a kind, so that tables nest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from personactl.document.kinds import Kind, not_available, wrong_type
from personactl.document.problems import Fault, Path
from personactl.document.suggest import closest


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key: its name, the kind of its value, and what it means. `later`: known, checked, refused for now."""

    name: str
    kind: Kind
    doc: str
    required: bool = False
    later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table of keys. `name` is how messages call it, "[model]" or "the record"."""

    name: str
    keys: tuple[Key, ...]
    doc: str = ""

    @property
    def words(self) -> str:
        return "a table"

    def faults(self, value: object, path: Path = ()) -> Iterator[Fault]:
        """Faults of the table and everything in it, in the order of the keys as written."""
        if not isinstance(value, dict):
            yield wrong_type(self, value, path)
            return
        known = {key.name: key for key in self.keys}
        for name, element in value.items():
            key = known.get(name)
            if key is None:
                yield self._unknown(name, path)
                continue
            found = list(key.kind.faults(element, (*path, name)))
            yield from found
            if key.later and not found:
                yield not_available(f'"{name}" in {self.name}', (*path, name), at_key=True)
        for key in self.keys:
            if key.required and key.name not in value:
                message = f'{self.name} lacks "{key.name}"'
                hint = f"add {key.name} = … ({key.kind.words})"
                yield Fault(path=path, code="missing-key", message=message, hint=hint, at="key")

    def _unknown(self, name: str, path: Path) -> Fault:
        own = closest(name, [key.name for key in self.keys])
        names = ", ".join(key.name for key in self.keys)
        hint = f'did you mean "{own}"?' if own else f"known keys: {names}"
        shortened = name if len(name) <= 60 else name[:57] + "…"
        message = f'unknown key "{shortened}" in {self.name}'
        return Fault(path=(*path, name), code="unknown-key", message=message, hint=hint, at="key")

    def schema(self) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        for key in self.keys:
            found: dict[str, Any] = {"description": key.doc, **key.kind.schema()}
            properties[key.name] = {"description": f"Not available yet. {key.doc}", "not": {}} if key.later else found
        required = [key.name for key in self.keys if key.required]
        result: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
        if self.doc:
            result["description"] = self.doc
        return {**result, "required": required} if required else result


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """An array of tables, `least` to `most` of them."""

    section: Section
    least: int = 0
    most: int = 10_000

    @property
    def words(self) -> str:
        return f"an array of tables {self.section.name}"

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield wrong_type(self, value, path)
            return
        if not self.least <= len(value) <= self.most:
            message = f"there must be {self.least} to {self.most} {self.section.name}, not {len(value)}"
            yield Fault(path=path, code="out-of-range", message=message, at="key")
        for index, element in enumerate(value[: self.most]):
            yield from self.section.faults(element, (*path, index))

    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "array", "items": self.section.schema(), "maxItems": self.most}
        return {**found, "minItems": self.least} if self.least else found


def section_of(kind: Kind) -> Section | None:
    """The table that a kind of value consists of, if it does."""
    if isinstance(kind, Section):
        return kind
    return kind.section if isinstance(kind, Rows) else None


def reference(section: Section, *, title: str) -> str:
    """The keys as a Markdown reference, one table for each section, in the order of the data."""
    lines = [f"## {title}", ""]
    if section.doc:
        lines += [section.doc, ""]
    lines += ["| key | value | meaning |", "|---|---|---|"]
    nested: list[Section] = []
    for key in section.keys:
        inner = section_of(key.kind)
        notes = " **Required.**" if key.required else ""
        notes += " *Not available yet.*" if key.later else ""
        lines.append(f"| `{key.name}` | {_cell(key.kind.words)} | {_cell(key.doc)}{notes} |")
        if inner is not None:
            nested.append(inner)
    text = "\n".join(lines) + "\n"
    return text + "".join("\n" + reference(inner, title=f"`{inner.name}`") for inner in nested)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
