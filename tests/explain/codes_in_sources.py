"""Which codes the sources can print, read from the syntax trees of both packages.

A code is `<room>.<kebab-words>`. It is taken from
- every `code=` argument, every default of a parameter `code`, every class attribute `code`;
- every other string that has the form of a code whose room is known from the first rule (in tables, for example);
- `f"{room}.words"` and bare `code="words"`: for the rooms whose documents are read by `personactl.document`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CODE = re.compile(r"[a-z][a-z0-9]*\.[a-z0-9]+(-[a-z0-9]+)*")
WORDS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FILE_NAME = re.compile(
    r".*\.(json|jsonl|sqlite|toml|pem|key|md|txt|py|sql|lock|png|jpeg|jpg|webp|html|onnx|safetensors)"
)

C2PA_TERMS = frozenset(
    {
        "c2pa.actions", "c2pa.actions.v2", "c2pa.ai-disclosure", "c2pa.created", "c2pa.edited", "c2pa.ingredient",
        "c2pa.metadata", "c2pa.opened", "c2pa.signature",
    }
)  # fmt: skip
"""Words of the C2PA specification that look like codes of ours."""


def sources(repository: Path) -> list[Path]:
    found = [*repository.glob("personactl/**/*.py"), *repository.glob("ledger/personactl_ledger/**/*.py")]
    return [path for path in found if "pocket" not in path.relative_to(repository).parts[:2]]


def emitted(repository: Path) -> dict[str, str]:
    """Every code with one file that emits it."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sources(repository)}
    named = {path: set(_named_codes(tree)) for path, tree in trees.items()}
    documents = {room for tree in trees.values() for room in _document_rooms(tree)}
    shared = {
        words for path, codes in named.items() if path.parent.name == "document" for words in codes if "." not in words
    }
    shared |= {words for path, tree in trees.items() if path.parent.name == "document" for words in _formatted(tree)}
    rooms = {code.split(".")[0] for codes in named.values() for code in codes if "." in code} | documents
    found: dict[str, str] = {}
    for path, tree in trees.items():
        own = path.parent.name if path.parent.name != "personactl" else path.stem
        codes = {
            code if "." in code else f"{own}.{code}"
            for code in named[path]
            if path.parent.name != "document" or "." in code
        }
        codes |= {text for text in _strings(tree) if text.split(".")[0] in rooms and not FILE_NAME.fullmatch(text)}
        for code in codes - C2PA_TERMS:
            found[code] = str(path.relative_to(repository))
    for room in documents:
        for words in shared:
            found.setdefault(f"{room}.{words}", f"personactl/document for {room}")
    return found


def _named_codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for value in _code_values(node):
            yield from _constants(value)


def _code_values(node: ast.AST) -> list[ast.expr | None]:
    """The expressions that this node gives to something called `code`."""
    match node:
        case ast.keyword(arg="code", value=value):
            return [value]
        case (
            ast.Assign(targets=[ast.Name(id="code")], value=value)
            | ast.AnnAssign(target=ast.Name(id="code"), value=value)
        ):
            return [value]
        case ast.arguments():
            pairs = zip(reversed([*node.posonlyargs, *node.args]), reversed(node.defaults), strict=False)
            keywords = zip(node.kwonlyargs, node.kw_defaults, strict=True)
            return [default for argument, default in (*pairs, *keywords) if argument.arg == "code"]
    return []


def _constants(value: ast.expr | None) -> Iterator[str]:
    """The strings that an expression can be: itself, or the two sides of `a if b else c`."""
    match value:
        case ast.IfExp():
            yield from _constants(value.body)
            yield from _constants(value.orelse)
        case ast.Constant(value=str(text)) if CODE.fullmatch(text) or WORDS.fullmatch(text):
            yield text


def _strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value


def _formatted(tree: ast.AST) -> Iterator[str]:
    """The words of every f"{room}.words"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and len(node.values) == 2:
            head, tail = node.values
            known = (
                isinstance(head, ast.FormattedValue) and isinstance(head.value, ast.Name) and head.value.id == "room"
            )
            if known and isinstance(tail, ast.Constant) and WORDS.fullmatch(str(tail.value)[1:]):
                yield str(tail.value)[1:]


def _document_rooms(tree: ast.AST) -> Iterator[str]:
    """Rooms that hand their files to `personactl.document`: `room="manifest"`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "room" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
