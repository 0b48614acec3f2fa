"""Parsing with every failure turned into a Problem with line, column and quoted line.

`Document` keeps the text; positions of valid values are looked up only when there is something to say about them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, Literal

import tomli

from personactl.document.json_positions import duplicate_keys, json_positions
from personactl.document.problems import Fault, Path
from personactl.document.toml_positions import Span, toml_positions
from personactl.errors import Problem

LIMIT = 1 << 20
MOST_PROBLEMS = 200
_QUOTE_LIMIT = 400
_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Unparsable(Exception):
    """The bytes are no document; `problems` says why. The rooms turn it into their own error class."""

    def __init__(self, problems: tuple[Problem, ...]):
        super().__init__(problems[0].message)
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed text. `room` is put before the code words of faults; `path` names the file in problems."""

    path: str
    room: str
    language: Literal["toml", "json"]
    text: str
    value: Any

    def problems(self, faults: Iterable[Fault]) -> tuple[Problem, ...]:
        """The faults as Problems in the order of the text: all of them, up to the first MOST_PROBLEMS.

        The faults are drawn one by one, so that a file of 100,000 unknown keys costs no more than a bad one.
        """
        known = list(islice(faults, MOST_PROBLEMS))
        if not known:
            return ()
        spans = toml_positions(self.text) if self.language == "toml" else json_positions(self.text)
        placed = [(_offset(fault, spans), fault) for fault in known]
        placed.sort(key=lambda pair: pair[0])
        return tuple(self._problem(offset, fault) for offset, fault in placed)

    def _problem(self, offset: int, fault: Fault) -> Problem:
        code = fault.code if "." in fault.code else f"{self.room}.{fault.code}"
        return problem_at(self.text, offset, path=self.path, code=code, message=fault.message, hint=fault.hint)


def _offset(fault: Fault, spans: dict[Path, Span]) -> int:
    """Where the fault points: its own value or key, else that of the nearest enclosing table, else the start."""
    for length in range(len(fault.path), 0, -1):
        span = spans.get(fault.path[:length])
        if span is not None:
            whole = length == len(fault.path)
            return span.start if whole and fault.at == "value" else span.key_start
    return 0


def problem_at(text: str, offset: int, *, path: str, code: str, message: str, hint: str | None = None) -> Problem:
    """A Problem at a character offset. Lines end at "\\n"; columns count characters (code points) from 1."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", start)
    line = text[start : end if end >= 0 else len(text)].rstrip("\r")
    return Problem(
        code=code,
        message=message,
        path=path,
        line=text.count("\n", 0, offset) + 1,
        column=offset - start + 1,
        quote=line[:_QUOTE_LIMIT],
        hint=hint,
    )


def parse_toml(data: bytes, *, path: str, room: str, limit: int = LIMIT) -> Document:
    """Parse TOML 1.0 (1.1 where the library accepts it); decimals become Decimal. Raises Unparsable."""
    text = _decode(data, path=path, room=room, limit=limit)
    try:
        value = tomli.loads(text, parse_float=_decimal)
    except tomli.TOMLDecodeError as error:
        raise _unparsable(text, error.pos, path, f"{room}.syntax", _sentence(error.msg)) from None
    except RecursionError:
        raise _unparsable(text, _deepest(text), path, f"{room}.too-deep", "nested too deeply") from None
    except _NumberTooLarge as error:
        raise _unparsable(text, text.find(str(error)), path, f"{room}.number", "this number is too large") from None
    except ValueError:
        # int() refuses more than 4,300 digits (CVE-2020-10735) and gives no position: point at the longest number.
        longest = max(re.finditer(r"[0-9_]{1000,}", text), key=lambda match: len(match.group()), default=None)
        offset = longest.start() if longest else 0
        raise _unparsable(text, offset, path, f"{room}.number", "this number is too large") from None
    return Document(path=path, room=room, language="toml", text=text, value=value)


def parse_json(data: bytes, *, path: str, room: str, limit: int = LIMIT) -> Document:
    """Parse JSON: no duplicate keys, no NaN, no lone surrogates; decimals become Decimal. Raises Unparsable."""
    text = _decode(data, path=path, room=room, limit=limit)
    try:
        value = json.loads(text, parse_float=_decimal, parse_constant=_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise _unparsable(text, error.pos, path, f"{room}.syntax", _sentence(error.msg)) from None
    except RecursionError:
        raise _unparsable(text, _deepest(text), path, f"{room}.too-deep", "nested too deeply") from None
    except _DuplicateKey:
        raise Unparsable(_twice(text, path, room)) from None
    except (_NumberTooLarge, ValueError) as error:
        offset = max(text.find(str(error)), 0)
        raise _unparsable(text, offset, path, f"{room}.number", "this number is too large or no number") from None
    surrogate = re.search(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", text)
    if surrogate and not _encodable(value):
        raise _unparsable(text, surrogate.start(), path, f"{room}.encoding", "half a surrogate pair is no character")
    return Document(path=path, room=room, language="json", text=text, value=value)


class _NumberTooLarge(Exception):
    """The digits of a number that no Decimal holds."""


class _DuplicateKey(Exception):
    """Some object has a key twice; json says nothing about where."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _DuplicateKey
    return value


def _twice(text: str, path: str, room: str) -> tuple[Problem, ...]:
    return tuple(
        problem_at(text, offset, path=path, code=f"{room}.duplicate-key", message=f'key "{keys[-1]}" stands twice')
        for keys, offset in duplicate_keys(text)
    )


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise _NumberTooLarge(digits) from None


def _constant(word: str) -> Any:
    raise _NumberTooLarge(word)


def _encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _decode(data: bytes, *, path: str, room: str, limit: int) -> str:
    """UTF-8 without BOM, NUL or other control characters, not empty, at most `limit` bytes."""
    if len(data) > limit:
        raise _unparsable("", 0, path, f"{room}.too-large", f"the file is larger than {limit} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        rest = data[error.start :].split(b"\n", 1)[0].decode("utf-8", "replace")
        hint = "save the file as UTF-8 without a byte order mark"
        raise _unparsable(before + rest, len(before), path, f"{room}.encoding", "not UTF-8", hint) from None
    if text.startswith("\ufeff"):
        hint = "save the file as UTF-8 without a byte order mark"
        raise _unparsable(text[1:], 0, path, f"{room}.encoding", "the file begins with a byte order mark", hint)
    control = _CONTROL.search(text)
    if control:
        name = f"U+{ord(control.group()):04X}"
        raise _unparsable(text, control.start(), path, f"{room}.encoding", f"control character {name}")
    if not text.strip():
        raise _unparsable(text, 0, path, f"{room}.empty", "the file is empty")
    return text


def _deepest(text: str) -> int:
    """Where a bomb starts, by plain counting: the opening bracket at depth 100, else the line with the most dots."""
    depth = 0
    for match in re.finditer(r"[\[\]{}]", text):
        depth = depth + 1 if match.group() in "[{" else max(depth - 1, 0)
        if depth == 100:
            return match.start()
    lines = list(re.finditer(r"[^\n]+", text))
    return max(lines, key=lambda line: line.group().count(".")).start() if lines else 0


def _sentence(message: str) -> str:
    """A library's message as ours: lower case, without its own copy of the position."""
    plain = re.sub(r" \(at [^)]*\)$", "", message)
    return plain[:1].lower() + plain[1:]


def _unparsable(text: str, offset: int, path: str, code: str, message: str, hint: str | None = None) -> Unparsable:
    place = min(max(offset, 0), len(text))
    return Unparsable((problem_at(text, place, path=path, code=code, message=message, hint=hint),))
