"""Reports of `verify` as files: JSON, Markdown for a job summary, JUnit with one test for each file.

They are written before a failing exit, each whole or not at all. Every text from outside is escaped for its format.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personactl.errors import NotAvailable, UsageProblem
from personactl.render.outfile import write_whole
from personactl.render.terminal import escape, json_pieces, quote
from personactl.render.verdicts import whose

if TYPE_CHECKING:
    from personactl.model import Verdict

FORMATS = ("json", "md", "junit")
_NOT_XML = re.compile("[\ufffe\uffff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~-])")


def parse_request(text: str) -> tuple[str, Path]:
    """`fmt=FILE` as (format, path). Raises UsageProblem for an unknown format, NotAvailable for `signed`."""
    name, equals, target = text.partition("=")
    if name == "signed":
        raise NotAvailable("--report signed=FILE")
    if name not in FORMATS or not equals or not target:
        raise UsageProblem(
            f"--report takes FORMAT=FILE, not {text!r}", code="cli.report-format",
            hint=f"formats: {', '.join(FORMATS)}",
        )  # fmt: skip
    return name, Path(target)


def write(request: tuple[str, Path], verdicts: Collection[Verdict], document: Mapping[str, Any]) -> None:
    """Write one report, a file at a time: `verdicts` are read as often as the format asks, and are never all in memory.

    Raises StorageError when its place cannot be written.
    """
    name, path = request
    pieces = {"json": _json, "md": _markdown, "junit": _junit}[name](verdicts, document)
    write_whole(path, (piece.encode("utf-8", "backslashreplace") for piece in pieces))


def markdown(verdicts: Collection[Verdict], document: Mapping[str, Any]) -> str:
    """A table of all files, then the findings of those that did not pass."""
    return "".join(_markdown(verdicts, document))


def junit(verdicts: Collection[Verdict], document: Mapping[str, Any]) -> str:
    """JUnit XML: `fail` and `unproven` are failures, `error` is an error."""
    return "".join(_junit(verdicts, document))


def _json(_verdicts: Collection[Verdict], document: Mapping[str, Any]) -> Iterator[str]:
    return json_pieces(document)


def _markdown(verdicts: Collection[Verdict], document: Mapping[str, Any]) -> Iterator[str]:
    from personactl.verify import verdict_word

    summary = document["summary"]
    counts = ", ".join(f"{summary[name]} {name}" for name in ("pass", "fail", "unproven", "error"))
    yield "# personactl verify\n\n"
    yield f"{summary['files']} files: {counts}. Verified at {_md(document['verifiedAt'])}.\n\n"
    yield "| file | verdict | persona, entry |\n|---|---|---|\n"
    for item in verdicts:
        yield f"| {_md(quote(item.path))} | {_md(verdict_word(item))} | {_md(whose(item))} |\n"
    for item in verdicts:
        told = [finding for finding in item.findings if finding.severity != "info"]
        if told:
            yield f"\n## {_md(quote(item.path))}\n\n"
        for finding in told:
            yield f"- {finding.severity} {_md(finding.code)}: {_md(finding.message)}\n"


def _junit(verdicts: Collection[Verdict], document: Mapping[str, Any]) -> Iterator[str]:
    summary = document["summary"]
    failures = summary["fail"] + summary["unproven"]
    counts = f'tests="{summary["files"]}" failures="{failures}" errors="{summary["error"]}"'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {counts}>\n'
    yield f'<testsuite name="personactl verify" {counts} skipped="0" timestamp="{_xml(document["verifiedAt"])}">\n'
    for item in verdicts:
        yield _testcase(item) + "\n"
    yield "</testsuite>\n</testsuites>\n"


def _testcase(verdict: Verdict) -> str:
    opening = f'<testcase classname="personactl.verify" name="{_xml(verdict.path)}"'
    if verdict.verdict == "pass":
        return f"{opening}/>"
    tag = "error" if verdict.verdict == "error" else "failure"
    told = [item for item in verdict.findings if item.severity != "info"]
    first = told[0].message if told else verdict.verdict
    body = "\n".join(_xml(f"{item.severity}[{item.code}]: {item.message}") for item in told)
    return f'{opening}><{tag} type="{verdict.verdict}" message="{_xml(first)}">{body}</{tag}></testcase>'


def _xml(text: str) -> str:
    """Text for an attribute or element: XML 1.0 section 2.2 has no control characters, surrogates or U+FFFE/F."""
    return html.escape(_NOT_XML.sub("?", escape(text)), quote=True)


def _md(text: str) -> str:
    """Text in a Markdown cell: no HTML, no link, no table or emphasis mark takes effect."""
    return _MARKDOWN.sub(r"\\\1", html.escape(escape(text), quote=False))
