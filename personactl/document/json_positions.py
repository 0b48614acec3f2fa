"""Where each key and value of a JSON document stands, and which keys stand twice. Used on the error path only."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field

from personactl.document.problems import Path
from personactl.document.toml_positions import Span

_BLANK = re.compile(r"[ \t\r\n]*+")
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"')
_SCALAR = re.compile(r"[^\s,\]}]++")


class _Lost(Exception):
    """The text is not JSON; what was found so far stands."""


def json_positions(text: str) -> dict[Path, Span]:
    """Spans of every member and element by its path. Of a key that stands twice, the first is recorded."""
    scanner = _Scanner(text)
    with suppress(_Lost, RecursionError):
        scanner.value((), None)
    return scanner.spans


def duplicate_keys(text: str) -> list[tuple[Path, int]]:
    """(path, offset) of every key that its object already has (RFC 8259 section 4: names SHOULD be unique)."""
    scanner = _Scanner(text)
    with suppress(_Lost, RecursionError):
        scanner.value((), None)
    return scanner.duplicates


@dataclass(slots=True)
class _Scanner:
    text: str
    at: int = 0
    spans: dict[Path, Span] = field(default_factory=dict)
    duplicates: list[tuple[Path, int]] = field(default_factory=list)

    def value(self, path: Path, key: tuple[int, int] | None) -> None:
        self.blank()
        start = self.at
        opening = self.text[start : start + 1]
        if opening in ("[", "{"):
            # Recorded before its members, so that a surprise inside still leaves the place of the whole.
            self.record(path, key, start, start + 1)
            self.at += 1
            closing = "]" if opening == "[" else "}"
            index = 0
            while self.more(closing):
                if opening == "[":
                    self.value((*path, index), None)
                else:
                    self.member(path)
                index += 1
            self.at += 1
        else:
            match = _STRING.match(self.text, start) or _SCALAR.match(self.text, start)
            if match is None:
                raise _Lost
            self.at = match.end()
        self.record(path, key, start, self.at)

    def record(self, path: Path, key: tuple[int, int] | None, start: int, end: int) -> None:
        known = self.spans.get(path)
        if known is None or known.start == start:
            key_start, key_end = key or (start, end)
            self.spans[path] = Span(key_start, key_end, start, end)

    def member(self, path: Path) -> None:
        match = _STRING.match(self.text, self.at)
        if match is None:
            raise _Lost
        try:
            name = json.loads(match.group())
        except json.JSONDecodeError:
            raise _Lost from None
        inner = (*path, name)
        if inner in self.spans:
            self.duplicates.append((inner, match.start()))
        self.at = match.end()
        self.blank()
        if not self.text.startswith(":", self.at):
            raise _Lost
        self.at += 1
        self.value(inner, match.span())

    def more(self, closing: str) -> bool:
        """Skip blanks and at most one comma; False when the closing bracket is next."""
        self.blank()
        if self.text.startswith(",", self.at):
            self.at += 1
            self.blank()
        if self.at >= len(self.text):
            raise _Lost
        return self.text[self.at] != closing

    def blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
