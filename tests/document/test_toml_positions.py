"""The position scanner against the TOML library: every path is found, and each span holds its own value."""

from __future__ import annotations

import datetime
import string
from decimal import Decimal
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from personactl.document.toml_positions import Span, toml_positions

NAMES = st.one_of(
    st.text(alphabet=string.ascii_letters + string.digits + "-_", min_size=1, max_size=6),
    st.text(alphabet="a.\"'\\ é\t#=[]{}", max_size=5),
)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-1000, max_value=1000),
    st.text(max_size=12).filter(lambda text: "\r" not in text),
    st.sampled_from(["'''", '"""', "a\nb", '""', "#", "\\", "]", "}", "[[x]]", "k = 1\n"]),
    st.datetimes(min_value=datetime.datetime(1900, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    st.dates(min_value=datetime.date(1900, 1, 1)),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
TREES = st.dictionaries(NAMES, VALUES, max_size=5)
BLANKS = st.sampled_from(["", " ", "\t", "  "])
BREAKS = st.sampled_from(["", " ", "\n", '\n  # a comment, with = [brackets] and "quotes\n', "\r\n"])


def quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in plain) + '"'


class Writer:
    """Renders a tree as TOML in styles drawn by hypothesis."""

    def __init__(self, draw: Any):
        self.draw = draw

    def key(self, name: str) -> str:
        forms = [quoted(name)]
        if name and all(c in string.ascii_letters + string.digits + "-_" for c in name):
            forms.append(name)
        if "'" not in name and all(c >= " " or c == "\t" for c in name):
            forms.append(f"'{name}'")
        return self.draw(st.sampled_from(forms))

    def text(self, text: str) -> str:
        forms = [quoted(text)]
        plain = all((c >= " " and c != "\x7f") or c in "\t\n" for c in text)
        if plain and "'" not in text and "\n" not in text:
            forms.append(f"'{text}'")
        if plain and "'''" not in text and not text.endswith("''''") and not text.startswith("'"):
            forms.append(f"'''\n{text}'''" if not text.endswith("'") else quoted(text))
        if plain and '"' not in text and "\\" not in text:
            forms += [f'"""\n{text}"""', f'"""{quoted(text)[1:-1]}"""']
        return self.draw(st.sampled_from(forms))

    def value(self, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, datetime.datetime):
            return value.isoformat(sep=self.draw(st.sampled_from(["T", " "])))
        if isinstance(value, datetime.date):
            return value.isoformat()
        if isinstance(value, list):
            items = [self.draw(BREAKS) + self.value(item) + self.draw(BREAKS) for item in value]
            tail = self.draw(st.sampled_from([",", ""])) if items else ""
            return "[" + ",".join(items) + tail + self.draw(BREAKS) + "]"
        if isinstance(value, dict):
            items = [f"{self.draw(BLANKS)}{self.pair(name, item)}{self.draw(BLANKS)}" for name, item in value.items()]
            return "{" + ",".join(items) + "}"
        return str(value)

    def pair(self, name: str, value: Any) -> str:
        if isinstance(value, dict) and len(value) == 1 and self.draw(st.booleans()):
            inner_name, inner = next(iter(value.items()))
            return f"{self.key(name)}{self.draw(BLANKS)}.{self.draw(BLANKS)}{self.pair(inner_name, inner)}"
        return f"{self.key(name)}{self.draw(BLANKS)}={self.draw(BLANKS)}{self.value(value)}"

    def table(self, tree: dict[str, Any], prefix: str = "") -> str:
        """Pairs first, then some of the tables and lists of tables as headers."""
        lines, headers = [], []
        for name, value in tree.items():
            path = f"{prefix}.{self.key(name)}" if prefix else self.key(name)
            rows = isinstance(value, list) and value and all(isinstance(row, dict) for row in value)
            if rows and self.draw(st.booleans()):
                headers += [f"[[ {path} ]]\n" + self.table(row, path) for row in value]
            elif isinstance(value, dict) and self.draw(st.booleans()):
                headers.append(f"[{path}] # table\n" + self.table(value, path))
            else:
                lines.append(f"{self.draw(BLANKS)}{self.pair(name, value)}{self.draw(BLANKS)}\n")
        return "".join(lines) + self.draw(st.sampled_from(["", "# note\n", "\n"])) + "".join(headers)


@st.composite
def documents(draw: Any) -> tuple[str, dict[str, Any]]:
    tree = draw(TREES)
    return Writer(draw).table(tree), tree


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[str | int, ...]] = []
    for step, inner in pairs:
        found += [(*path, step), *paths(inner, (*path, step))]
    return found


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@settings(max_examples=300, deadline=None)
@given(documents())
def test_every_path_has_a_span_that_holds_its_value(document: tuple[str, dict[str, Any]]) -> None:
    text, tree = document
    parsed = tomli.loads(text, parse_float=Decimal)
    assert parsed == tree
    spans = toml_positions(text)
    assert set(spans) == set(paths(parsed))
    for path, span in spans.items():
        if isinstance(path[-1], str):
            chain = tomli.loads(text[span.key_start : span.key_end] + " = 1")
            assert any(path[-1] in keys for keys in levels(chain))
        if (span.start, span.end) != (span.key_start, span.key_end) or isinstance(path[-1], int):
            value = at(parsed, path)
            written = text[span.start : span.end]
            if not (isinstance(value, dict) and not written.startswith("{")):
                assert tomli.loads(f"k = {written}", parse_float=Decimal)["k"] == value


def levels(value: Any) -> list[set[str]]:
    found = []
    while isinstance(value, dict):
        found.append(set(value))
        value = next(iter(value.values()))
    return found


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab=.\"'[]{},#\n\\ 1", max_size=60))
def test_text_that_is_no_toml_never_raises(text: str) -> None:
    assert isinstance(toml_positions(text), dict)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("a = 1", ("a",), Span(0, 1, 4, 5)),
        ("a.b = 1", ("a",), Span(0, 1, 0, 1)),
        ("[[x]]\n[[x]]\nk=2", ("x", 1, "k"), Span(12, 13, 14, 15)),
        ("[[x]]\n[x.y]\nk=2", ("x", 0, "y", "k"), Span(12, 13, 14, 15)),
        ("a = {\n b = 1, # c\n d = 2,\n}", ("a", "d"), Span(19, 20, 23, 24)),
        ("a = 1979-05-27 07:32:00 # d", ("a",), Span(0, 1, 4, 23)),
        ('a = """"x"""""', ("a",), Span(0, 1, 4, 14)),
    ],
)
def test_known_places(text: str, path: tuple[str | int, ...], expected: Span) -> None:
    assert toml_positions(text)[path] == expected


def test_deep_nesting_keeps_what_was_found_before_it() -> None:
    assert ("a",) in toml_positions("a = 1\nb = " + "[" * 5000)
