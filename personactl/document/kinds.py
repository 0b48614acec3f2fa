"""Kinds of values: each checks one value, says in plain words what it wants, and gives its JSON Schema.

A kind is data. Checker and schema stand side by side in one class because they must agree; a test compares them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from personactl.document.problems import Fault, Path
from personactl.document.suggest import did_you_mean

IDENT_REGEX = "[a-z0-9][a-z0-9-]{0,63}"
NOT_AVAILABLE = "feature.not-available"
_WORDS = {bool: "true or false", str: "text", int: "a whole number", Decimal: "a decimal number", list: "a list"}
_BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Kind(Protocol):
    """A kind of value."""

    @property
    def words(self) -> str: ...

    def faults(self, value: object, path: Path) -> Iterator[Fault]: ...

    def schema(self) -> dict[str, Any]: ...


def named(value: object) -> str:
    """What a parsed value is, in plain words."""
    if value is None:
        return "null"
    return _WORDS.get(type(value), "a table" if isinstance(value, dict) else "a date or time")


def shown(value: object) -> str:
    """A value as it may stand in a message: short, in quotes where it is text."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def wrong_type(kind: Kind, value: object, path: Path) -> Fault:
    message = f"{_label(path)} must be {kind.words}, not {named(value)}"
    return Fault(path=path, code="wrong-type", message=message)


def _label(path: Path) -> str:
    names = [step for step in path if isinstance(step, str)]
    element = " element" if path and isinstance(path[-1], int) else ""
    return f'"{names[-1]}"{element}' if names else "the document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text of at most `most` characters without control characters; tab and newline only with `lines`."""

    most: int = 2000
    least: int = 0
    lines: bool = False

    @property
    def words(self) -> str:
        return f"text of at most {self.most} characters"

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield wrong_type(self, value, path)
            return
        if len(value) > self.most:
            yield Fault(path=path, code="too-long", message=f"{_label(path)} is longer than {self.most} characters")
        if len(value.strip()) < self.least:
            yield Fault(path=path, code="empty-text", message=f"{_label(path)} must not be empty")
        allowed = "\t\n" if self.lines else ""
        bad = next((c for c in value if c not in allowed and (unicodedata.category(c) == "Cc" or c in _BIDI)), None)
        if bad is not None:
            message = f"{_label(path)} contains the control character U+{ord(bad):04X}"
            yield Fault(path=path, code="bad-text", message=message, hint="remove it")

    def schema(self) -> dict[str, Any]:
        plain = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f" if self.lines else r"\u0000-\u001f\u007f-\u009f"
        pattern = rf"^[^{plain}\u202a-\u202e\u2066-\u2069]*$"
        found: dict[str, Any] = {"type": "string", "maxLength": self.most}
        if not self.least:
            return {**found, "pattern": pattern}
        return {**found, "allOf": [{"pattern": pattern}, {"pattern": r"\S"}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Text that matches a regular expression as a whole; `means` describes it, `code` is the fault's code word."""

    regex: str
    means: str
    code: str = "bad-value"
    hint: str | None = None

    @property
    def words(self) -> str:
        return self.means

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield wrong_type(self, value, path)
        elif re.fullmatch(self.regex, value) is None:
            message = f"{_label(path)} must be {self.means}, not {shown(value)}"
            yield Fault(path=path, code=self.code, message=message, hint=self.hint)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.regex})$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ident:
    """A name that is safe in file names, run ids and URLs: `[a-z0-9][a-z0-9-]{0,63}`."""

    @property
    def words(self) -> str:
        return "an id of lower-case letters, digits and hyphens (at most 64)"

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield wrong_type(self, value, path)
        elif re.fullmatch(IDENT_REGEX, value) is None:
            likely = re.sub(r"[^a-z0-9]+", "-", value[:64].lower()).strip("-")
            hint = f'for example "{likely}"' if likely else None
            message = f"{_label(path)} must be {self.words}, not {shown(value)}"
            yield Fault(path=path, code="bad-id", message=message, hint=hint)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{IDENT_REGEX}$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number, `least` ≤ value ≤ `most`, optionally a multiple of `step`."""

    least: int
    most: int
    step: int = 1

    @property
    def words(self) -> str:
        multiple = f", a multiple of {self.step}" if self.step > 1 else ""
        return f"a whole number from {self.least} to {self.most}{multiple}"

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield wrong_type(self, value, path)
        elif not self.least <= value <= self.most or value % self.step:
            message = f"{_label(path)} must be {self.words}, not {shown(value)}"
            yield Fault(path=path, code="out-of-range", message=message)

    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {**found, "multipleOf": self.step} if self.step > 1 else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number with at most `places` decimals, `least` ≤ value ≤ `most`; nan and inf are refused."""

    least: int
    most: int
    places: int = 6

    @property
    def words(self) -> str:
        return f"a number from {self.least} to {self.most} with at most {self.places} decimals"

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            yield wrong_type(self, value, path)
            return
        number = Decimal(value)
        good = number.is_finite() and self.least <= number <= self.most
        if not good or number != number.quantize(Decimal(1).scaleb(-self.places)):
            message = f"{_label(path)} must be {self.words}, not {shown(value)}"
            yield Fault(path=path, code="out-of-range", message=message)

    def schema(self) -> dict[str, Any]:
        # JSON Schema has no exact "decimals": multipleOf on binary floats rejects 0.3 in some validators.
        return {"type": "number", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """true or false."""

    @property
    def words(self) -> str:
        return "true or false"

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if not isinstance(value, bool):
            yield wrong_type(self, value, path)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of `now`; one of `later` is known and refused as not available yet."""

    now: tuple[str, ...]
    later: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return "one of " + ", ".join(f'"{word}"' for word in self.now)

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield wrong_type(self, value, path)
        elif value in self.later:
            yield not_available(f"{_label(path)} = {shown(value)}", path)
        elif value not in self.now:
            message = f"{_label(path)} must be {self.words}, not {shown(value)}"
            yield Fault(path=path, code="bad-value", message=message, hint=did_you_mean(value, self.now + self.later))

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.now)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Exactly one value: the version of the file's own schema. Another one is a file of another program version."""

    value: int | str

    @property
    def words(self) -> str:
        return shown(self.value)

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if type(value) is not type(self.value):
            yield wrong_type(self, value, path)
        elif value != self.value:
            message = f"{_label(path)} is {shown(value)}; this version of personactl reads {self.words}"
            yield Fault(
                path=path, code="schema-version", message=message, hint="use the matching version of personactl"
            )

    def schema(self) -> dict[str, Any]:
        return {"const": self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """A list of `least` to `most` values of one kind; with `distinct` none may stand twice."""

    item: Kind
    least: int = 0
    most: int = 64
    distinct: bool = True

    @property
    def words(self) -> str:
        return f"a list of {self._length}, each {self.item.words}"

    @property
    def _length(self) -> str:
        return f"{self.least} to {self.most} values" if self.least < self.most else f"exactly {self.most} values"

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield wrong_type(self, value, path)
            return
        if not self.least <= len(value) <= self.most:
            message = f"{_label(path)} must have {self._length}, not {len(value)}"
            yield Fault(path=path, code="out-of-range", message=message)
        for index, element in enumerate(value[: self.most]):
            yield from self.item.faults(element, (*path, index))
            if self.distinct and element in value[:index]:
                message = f"{shown(element)} stands twice in {_label(path)}"
                yield Fault(path=(*path, index), code="duplicate", message=message, hint="remove one")

    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "array", "items": self.item.schema(), "maxItems": self.most}
        if self.least:
            found["minItems"] = self.least
        return {**found, "uniqueItems": True} if self.distinct else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """A value of one kind if it is text, else of the other."""

    text: Kind
    other: Kind

    @property
    def words(self) -> str:
        return f"{self.text.words} or {self.other.words}"

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        yield from (self.text if isinstance(value, str) else self.other).faults(value, path)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.text.schema(), self.other.schema()]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Nullable:
    """null, or a value of a kind."""

    kind: Kind

    @property
    def words(self) -> str:
        return f"null or {self.kind.words}"

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if value is not None:
            yield from self.kind.faults(value, path)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "null"}, self.kind.schema()]}


_PLAIN_PART = re.compile(r"(?!\.{1,2}$)[^/\\\0-\x1f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class InsidePath:
    """A relative path with "/" that stays beneath its root: no "..", no absolute path, no backslash, no control."""

    most: int = 500

    @property
    def words(self) -> str:
        return 'a path inside the project, with "/" and without ".."'

    def faults(self, value: object, path: Path) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield wrong_type(self, value, path)
        elif len(value) > self.most or not all(_PLAIN_PART.fullmatch(part) for part in value.split("/")):
            message = f"{_label(path)} must be {self.words}, not {shown(value)}"
            yield Fault(path=path, code="bad-path", message=message, hint="paths outside the project are refused")

    def schema(self) -> dict[str, Any]:
        part = r"(?!\.{1,2}(?:/|$))[^/\\\u0000-\u001f]+"
        return {"type": "string", "maxLength": self.most, "pattern": f"^{part}(?:/{part})*$"}


def not_available(what: str, path: Path, *, at_key: bool = False) -> Fault:
    """A documented feature that this version refuses instead of ignoring it."""
    return Fault(
        path=path,
        code=NOT_AVAILABLE,
        message=f"not available yet: {what}",
        hint="remove it, or see CHANGELOG.md",
        at="key" if at_key else "value",
    )
