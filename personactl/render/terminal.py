"""The only place that prints, and the rules of everything that is printed.

1. stdout carries the result and nothing else; everything else goes to stderr. Text output is for people and is not
   stable; `--json` is for programs: exactly one document with a `schema` key on stdout, also for an error.
2. Nothing from outside reaches the terminal raw. Every character of category Cc, Cf, Cs, Zl, Zp (control, bidi and
   other invisible ones, undecodable bytes, line separators) is written as its escape, so that a file name can neither
   move the cursor, reverse the text nor add a line. One call prints one line; there is no way to pass ANSI through.
3. Colour only repeats what a word already says. It is used when the stream is a terminal and neither NO_COLOR (not
   empty) nor TERM=dumb is set; `--color always|never` overrides. Each stream is asked for itself.
4. On a terminal, long prose is wrapped and columns are cut to its width; off a terminal nothing is wrapped or cut, so
   that grep finds it. No width below 40 is assumed.
5. Prompts and moving lines only on a terminal. `-q` drops notes, never errors, verdicts or results.
6. A closed pipe or a full disk under stdout is reported by the exit code, never by a traceback.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal

ColorChoice = Literal["auto", "always", "never"]
MIN_WIDTH = 40
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._/@+=,-]+")
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_CODES = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1"}


@dataclass(frozen=True, slots=True)
class Styled:
    """Text with the name of a style; the text is still escaped when it is written."""

    text: str
    style: str


Part = str | Styled
Line = Part | Sequence[Part]


def escape(text: str) -> str:
    """`text` as one harmless line: control, bidi, invisible and undecodable characters become `\\x..` or `\\u....`."""
    if text.isprintable():  # none of the escaped categories is: these are Other and Separator, except the space
        return text
    return "".join(_escape_character(character) for character in text)


def _escape_character(character: str) -> str:
    if unicodedata.category(character) not in _ESCAPED:
        return character
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # a byte that was not UTF-8, as os.fsdecode hands it over
        return f"\\x{number - 0xDC00:02x}"
    if number < 0x100:
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character, f"\\x{number:02x}")
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def quote(name: str) -> str:
    """A name from outside for a line for people: as it is when it cannot be taken for words of the line, else in quotes
    in the manner of JSON. Control characters are escaped when the line is written."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def shorten(text: str, most: int = 400) -> str:
    """`text` for people: of a very long one, which only a file under test can bring, its beginning and end."""
    if len(text) <= most:
        return text
    head, tail = most * 3 // 4, most // 4
    return f"{text[:head]} … [{len(text) - head - tail} characters left out] … {text[-tail:]}"


def display_width(text: str) -> int:
    """Terminal columns of an escaped line: wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)


def parts_of(line: Line) -> tuple[Part, ...]:
    return (line,) if isinstance(line, str | Styled) else tuple(line)


def plain(line: Line) -> str:
    """The escaped text of a line, without styles."""
    return "".join(escape(part.text if isinstance(part, Styled) else part) for part in parts_of(line))


class Terminal:
    """Both output streams under the rules above.

    `verbosity`: -1 quiet, 0 normal, 1 and more verbose. `json` makes `result` write the document and drops `line`.
    `answered`: a document was written, so that whatever goes wrong later is told on stderr.
    """

    def __init__(self, out: IO[str], err: IO[str], *, environ: Mapping[str, str] | None = None) -> None:
        self.out, self.err = out, err
        self._environ = os.environ if environ is None else environ
        self.color: ColorChoice = "auto"
        self.verbosity = 0
        self.json = False
        self.answered = False

    # --- what a stream can do -------------------------------------------------------------------------------------

    def is_terminal(self, stream: IO[str]) -> bool:
        try:
            return stream.isatty()
        except ValueError:  # closed
            return False

    def is_dumb(self) -> bool:
        """True where the terminal cannot move its cursor."""
        return self._environ.get("TERM") == "dumb"

    def colors(self, stream: IO[str]) -> bool:
        if self.color != "auto":
            return self.color == "always"
        if self._environ.get("NO_COLOR") or self.is_dumb():
            return False
        return self.is_terminal(stream)

    def width(self, stream: IO[str]) -> int | None:
        """Columns to wrap at, at least MIN_WIDTH; None where nothing must be wrapped."""
        if not self.is_terminal(stream):
            return None
        try:
            columns = int(self._environ.get("COLUMNS", "0")) or os.get_terminal_size(stream.fileno()).columns
        except (ValueError, OSError):
            columns = 80
        return max(MIN_WIDTH, columns)

    # --- writing --------------------------------------------------------------------------------------------------

    def line(self, *parts: Part) -> None:
        """One line of a text result on stdout; nothing in JSON mode."""
        if not self.json:
            self._write(self.out, parts)

    def note(self, *parts: Part) -> None:
        """One line on stderr that `-q` drops."""
        if self.verbosity >= 0:
            self._write(self.err, parts)

    def detail(self, *parts: Part) -> None:
        """One line on stderr that only `-v` shows."""
        if self.verbosity > 0:
            self._write(self.err, parts)

    def alert(self, *parts: Part) -> None:
        """One line on stderr that nothing drops: errors and warnings."""
        self._write(self.err, parts)

    def prose(self, text: str, *, indent: str = "", to_err: bool = False) -> None:
        """Text of several words, wrapped on a terminal and continued at `indent` plus two spaces."""
        stream = self.err if to_err else self.out
        width = self.width(stream)
        rows = [text]
        if width is not None and display_width(indent + escape(text)) > width:
            import textwrap

            rows = textwrap.wrap(escape(text), max(20, width - len(indent) - 2), break_on_hyphens=False) or [""]
        for number, row in enumerate(rows):
            (self.alert if to_err else self.line)(indent, "  " if number else "", row)

    def result(self, document: Mapping[str, Any], lines: Iterable[Line] = ()) -> None:
        """The result of a command: the JSON document with its `schema`, or the same as lines for people."""
        if "schema" not in document:
            raise ValueError("a JSON result needs a schema")
        if self.json:
            for piece in json_pieces(document):
                self.answered = True  # before the write: half a document is not mended by a second one
                self.out.write(piece)
            return
        for line in lines:
            self._write(self.out, parts_of(line))

    def flush(self) -> None:
        self.out.flush()
        self.err.flush()

    def _write(self, stream: IO[str], parts: Iterable[Part]) -> None:
        colored = self.colors(stream)
        pieces = []
        for part in parts:
            text = escape(part.text if isinstance(part, Styled) else part)
            if colored and isinstance(part, Styled) and text:
                text = f"\x1b[{_CODES[part.style]}m{text}\x1b[0m"
            pieces.append(text)
        stream.write("".join(pieces) + "\n")


def dump_json(document: Mapping[str, Any]) -> str:
    """One JSON document with a final newline: ASCII only (RFC 8259), undecodable bytes of file names as `\\x..`."""
    return "".join(json_pieces(document))


def json_pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """The same text in pieces. A value of the document that is a collection, but no list, tuple or map, is an array
    whose items are read and written one by one, so that it may be larger than memory; all else is one piece."""
    streamed = [key for key, value in document.items() if _is_streamed(value) and len(value)]
    if not streamed:
        yield _json({key: [] if _is_streamed(value) else value for key, value in document.items()}) + "\n"
        return
    *before, first = list(document)[: list(document).index(streamed[0]) + 1]
    opening = _json({**{key: document[key] for key in before}, first: []})
    yield opening.removesuffix("]\n}")
    for number, item in enumerate(document[first]):
        yield ("," if number else "") + "\n    " + _json(item).replace("\n", "\n    ")
    rest = {key: value for key, value in document.items() if key not in before and key != first}
    closing = "".join(json_pieces(rest)).removeprefix("{") if rest else "\n}\n"
    yield "\n  ]" + ("," if rest else "") + closing


def _is_streamed(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping | list | tuple)


def _json(value: Any) -> str:
    import json

    return json.dumps(encodable(value), indent=2, ensure_ascii=True, allow_nan=False)


def encodable(value: Any) -> Any:
    """`value` without lone surrogates, which no strict JSON reader accepts."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return "".join(_escape_character(c) if 0xD800 <= ord(c) <= 0xDFFF else c for c in value)
    if isinstance(value, Mapping):
        return {encodable(key): encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(item) for item in value]
    return value
