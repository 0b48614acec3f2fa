"""Where each key and value of a TOML document stands. Used on the error path only.

TOML libraries give positions for syntax errors and none for valid values. This scanner reads text that the parser has
already accepted and records spans; it decides nothing about validity. Input: TOML 1.0 and the 1.1 additions (newlines,
comments and a trailing comma inside inline tables). Every pattern is possessive, so the time is linear in the text.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field

import tomli

from personactl.document.problems import Path

_BLANK = re.compile(r"[ \t]*+")
_TRIVIA = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]++")
_QUOTED_KEY = re.compile(r""""(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+'""")
_STRING = re.compile(
    r'"""(?:[^"\\]++|\\[\s\S]|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*+'"
)
_BARE_VALUE = re.compile(
    r"\d{4}-\d\d-\d\d [0-2]\d:\d\d[^\s,\]}#]*+"  # a date-time with a space: the one bare value that contains one
    r"|[^\s,\]}#]++"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets into the text: [key_start, key_end) and [start, end) of the value. Equal pairs where there is one."""

    key_start: int
    key_end: int
    start: int
    end: int


class _Lost(Exception):
    """The text is not what the scanner expects; what was found so far stands."""


def toml_positions(text: str) -> dict[Path, Span]:
    """Spans of every table, key, value and list element by its path in the parsed document.

    On text that is not valid TOML the result is what could be read before the first surprise.
    """
    scanner = _Scanner(text)
    with suppress(_Lost, RecursionError):
        scanner.document()
    return scanner.spans


@dataclass(slots=True)
class _Scanner:
    text: str
    at: int = 0
    spans: dict[Path, Span] = field(default_factory=dict)
    rows: dict[Path, int] = field(default_factory=dict)

    def document(self) -> None:
        table: Path = ()
        while True:
            self.skip(_TRIVIA)
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def header(self) -> Path:
        """`[a.b]` or `[[a.b]]`: records the table and returns its path, with the index of each array of tables."""
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        self.skip(_BLANK)
        start = self.at
        parts = self.key()
        end = parts[-1][2]
        span = Span(start, end, start, end)
        path: Path = ()
        for position, (name, _, _) in enumerate(parts):
            path = (*path, name)
            self.spans.setdefault(path, span)
            last = position == len(parts) - 1
            if last and array:
                self.rows[path] = self.rows.get(path, 0) + 1
            if path in self.rows:
                path = (*path, self.rows[path] - 1)
                self.spans.setdefault(path, span)
        self.skip(_BLANK)
        self.expect("]]" if array else "]")
        return path

    def pair(self, table: Path) -> None:
        """`a.b = value` in the table `table`."""
        parts = self.key()
        self.skip(_BLANK)
        self.expect("=")
        self.skip(_BLANK)
        path = table
        for name, start, end in parts[:-1]:
            path = (*path, name)
            self.spans.setdefault(path, Span(start, end, start, end))
        name, start, end = parts[-1]
        self.value((*path, name), (start, end))

    def key(self) -> list[tuple[str, int, int]]:
        parts: list[tuple[str, int, int]] = []
        while True:
            self.skip(_BLANK)
            start = self.at
            match = _BARE_KEY.match(self.text, start) or _QUOTED_KEY.match(self.text, start)
            if match is None:
                raise _Lost
            self.at = match.end()
            raw = match.group()
            parts.append((_plain(raw) if raw[0] in "\"'" else raw, start, self.at))
            here = self.at
            self.skip(_BLANK)
            if self.at >= len(self.text) or self.text[self.at] != ".":
                self.at = here
                return parts
            self.at += 1

    def value(self, path: Path, key: tuple[int, int] | None) -> None:
        """A value; its elements are recorded before it ends. At most two Python frames for each level of nesting."""
        start = self.at
        opening = self.text[start : start + 1]
        key_start, key_end = key or (start, start)
        self.spans[path] = Span(key_start, key_end, start, start)
        if opening in ("[", "{"):
            self.at += 1
            closing = "]" if opening == "[" else "}"
            index = 0
            while self.more(closing):
                if opening == "[":
                    self.value((*path, index), None)
                else:
                    self.pair(path)
                index += 1
            self.at += 1
        else:
            match = _STRING.match(self.text, start) or _BARE_VALUE.match(self.text, start)
            if match is None:
                raise _Lost
            self.at = match.end()
        if key is None:
            key_end = self.at
        self.spans[path] = Span(key_start, key_end, start, self.at)

    def more(self, closing: str) -> bool:
        """Skip blanks and at most one comma; False when the closing bracket is next."""
        self.skip(_TRIVIA)
        if self.text.startswith(",", self.at):
            self.at += 1
            self.skip(_TRIVIA)
        if self.at >= len(self.text):
            raise _Lost
        return self.text[self.at] != closing

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def expect(self, token: str) -> None:
        if not self.text.startswith(token, self.at):
            raise _Lost
        self.at += len(token)


def _plain(quoted: str) -> str:
    """The key that a quoted key means; its escapes are the parser's business."""
    try:
        value = tomli.loads(f"key = {quoted}")["key"]
    except tomli.TOMLDecodeError:
        return quoted
    return value if isinstance(value, str) else quoted
