"""Reports of `verify` as files: JSON, Markdown for a job summary, JUnit with one test for each file, a signed one.

They are written before a failing exit, each whole or not at all. Every text from outside is escaped for its format. A
signed report is evidence, with a time that does not come again, and is written over nothing (ADR 0121).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personactl.errors import UsageProblem
from personactl.render.counts import counted
from personactl.render.outfile import write_new, write_whole
from personactl.render.terminal import encodable, escape, json_pieces, quote, shorten
from personactl.render.verdicts import whose

if TYPE_CHECKING:
    from personactl_ledger import Signer

    from personactl.keys.trust import TrustFile
    from personactl.verdict import Verdict
    from personactl.verify.signed_report import Asked

MAX_MARKDOWN_BYTES = 1_000_000
"""A job summary of GitHub's actions holds 1 MiB; a larger one is dropped as a whole."""
FORMATS = ("json", "md", "junit", "signed")
_NOT_XML = re.compile("[\ufffe\uffff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~:@-]|(?<=www)\.)")
"""Also what turns a bare address into a link: the colon of `http:`, the dot of `www.`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What a signed report needs besides the document: the key, the trust files that were used, what was asked."""

    signer: Signer
    trust: Sequence[TrustFile]
    asked: Asked


def parse_request(text: str) -> tuple[str, Path]:
    """`fmt=FILE` as (format, path). Raises UsageProblem for an unknown format."""
    name, equals, target = text.partition("=")
    if name not in FORMATS or not equals or target in ("", "-"):  # a dash would be a file of that name
        raise UsageProblem(
            f"--report takes FORMAT=FILE, not {text!r}", code="cli.report-format",
            hint=f"formats: {', '.join(FORMATS)}",
        )  # fmt: skip
    return name, Path(target)


def write(
    request: tuple[str, Path],
    verdicts: Collection[Verdict],
    document: Mapping[str, Any],
    signing: Signing | None = None,
) -> None:
    """Write one report, a file at a time: `verdicts` are read as often as the format asks, and only a signed report,
    which is one signed text, has them all in memory.

    Raises StorageError when its place cannot be written; for a signed one ConflictError (cli.output-exists) when it is
    taken, and UsageProblem (report.too-large).
    """
    name, path = request
    if name == "signed":
        write_new(path, _signed(document, signing))
        return
    pieces = {"json": _json, "md": markdown, "junit": junit}[name](verdicts, document)
    write_whole(path, (piece.encode("utf-8", "backslashreplace") for piece in pieces))


def _signed(document: Mapping[str, Any], signing: Signing | None) -> bytes:
    from personactl.verify import signed_report

    if signing is None:
        raise ValueError("a signed report needs a key")
    whole = encodable({**document, "files": list(document["files"])})
    return signed_report.build(whole, signing.trust, signing.asked, signing.signer) + b"\n"


def _json(_verdicts: Collection[Verdict], document: Mapping[str, Any]) -> Iterator[str]:
    return json_pieces(document)


def markdown(verdicts: Collection[Verdict], document: Mapping[str, Any]) -> Iterator[str]:
    """A table of the files, then the findings of those that did not pass; at most `MAX_MARKDOWN_BYTES` in UTF-8.

    What did not pass comes first where not all of it fits, and the last line says how much was left out.
    """
    summary = document["summary"]
    counts = ", ".join(f"{summary[name]} {name}" for name in ("pass", "fail", "unproven", "error"))
    yield "# personactl verify\n\n"
    yield f"{counted(summary['files'], 'file')}: {counts}. Verified at {_md(document['verifiedAt'])}.\n\n"
    yield "| file | verdict | persona, entry |\n|---|---|---|\n"
    ordered, left = _order(verdicts), []
    parts = ((_row, "{} files are not in this table"), (_section, "what was found about {} files is left out"))
    for written, words in parts:
        room, lost = MAX_MARKDOWN_BYTES // 3, 0
        for text in filter(None, map(written, ordered())):
            room -= _size(text)
            if room < 0:
                lost += 1
            else:
                yield text
        left += [words.format(lost)] if lost else []
    if left:
        yield f"\nToo long for a summary: {', and '.join(left)}. The JSON report has all.\n"


def _order(verdicts: Collection[Verdict]) -> Callable[[], Iterator[Verdict]]:
    """As they came; where not all of them fits, what did not pass before the rest."""
    if sum(_size(_row(item)) + _size(_section(item)) for item in verdicts) <= MAX_MARKDOWN_BYTES // 3:
        return lambda: iter(verdicts)
    return lambda: chain(
        (item for item in verdicts if item.verdict != "pass"), (item for item in verdicts if item.verdict == "pass")
    )


def _row(item: Verdict) -> str:
    from personactl.verify import verdict_word

    cells = (quote(shorten(item.path)), verdict_word(item), shorten(whose(item)))
    return "| " + " | ".join(map(_md, cells)) + " |\n"


def _section(item: Verdict) -> str:
    told = [finding for finding in item.findings if finding.severity != "info"]
    lines = [f"- {finding.severity} {_md(finding.code)}: {_md(shorten(finding.message))}\n" for finding in told]
    return "".join([f"\n## {_md(quote(shorten(item.path)))}\n\n", *lines]) if told else ""


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))


def junit(verdicts: Collection[Verdict], document: Mapping[str, Any]) -> Iterator[str]:
    """JUnit XML as Jenkins, GitLab and GitHub's actions read it: `fail` and `unproven` are failures, `error` is an
    error. What was used stands in the properties, which the schema wants first. No times: none are measured."""
    summary, detector = document["summary"], document["detector"]
    failures = summary["fail"] + summary["unproven"]
    counts = f'tests="{summary["files"]}" failures="{failures}" errors="{summary["error"]}"'
    used = [("detector", f"{detector['name']} {detector['version']}")]
    used += [("trust", f"{item['name']} sha256:{item['sha256']}") for item in document["trust"]]
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {counts}>\n'
    yield f'<testsuite name="personactl verify" {counts} skipped="0" timestamp="{_xml(document["verifiedAt"])}">\n'
    yield "<properties>\n"
    yield from (f'<property name="{name}" value="{_xml(value)}"/>\n' for name, value in used)
    yield "</properties>\n"
    for item in verdicts:
        yield _testcase(item) + "\n"
    yield "</testsuite>\n</testsuites>\n"


def _testcase(verdict: Verdict) -> str:
    name = _xml(verdict.path)
    opening = f'<testcase file="{name}" classname="personactl.verify" name="{name}"'
    if verdict.verdict == "pass":
        return f"{opening}/>"
    tag = "error" if verdict.verdict == "error" else "failure"
    told = [item for item in verdict.findings if item.severity != "info"]
    first = shorten(told[0].message) if told else verdict.verdict
    body = "\n".join(_xml(f"{item.severity}[{item.code}]: {item.message}") for item in told)
    return f'{opening}><{tag} type="{verdict.verdict}" message="{_xml(first)}">{body}</{tag}></testcase>'


def _xml(text: str) -> str:
    """Text for an attribute or element: XML 1.0 section 2.2 has no control characters, surrogates or U+FFFE/F."""
    return html.escape(_NOT_XML.sub("?", escape(text)), quote=True)


def _md(text: str) -> str:
    """Text in a Markdown cell: no HTML, no link, no table or emphasis mark takes effect."""
    return _MARKDOWN.sub(r"\\\1", html.escape(escape(text), quote=False))
