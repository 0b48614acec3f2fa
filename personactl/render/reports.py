"""Reports of `verify` as files: JSON, Markdown for a job summary, JUnit with one test for each file, a signed one.

They are written before a failing exit, each whole or not at all. Every text from outside is escaped for its format. A
signed report is evidence, with a time that does not come again, and is written over nothing (ADR 0121).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personactl.errors import UsageProblem
from personactl.render.outfile import write_new, write_whole
from personactl.render.terminal import dump_json, encodable, escape, quote
from personactl.render.verdicts import whose

if TYPE_CHECKING:
    from personactl_ledger import Signer

    from personactl.keys.trust import TrustFile
    from personactl.model import Verdict
    from personactl.verify.signed_report import Asked

FORMATS = ("json", "md", "junit", "signed")
_NOT_XML = re.compile("[\ufffe\uffff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~-])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What a signed report needs besides the document: the key, the trust files that were used, what was asked."""

    signer: Signer
    trust: Sequence[TrustFile]
    asked: Asked


def parse_request(text: str) -> tuple[str, Path]:
    """`fmt=FILE` as (format, path). Raises UsageProblem for an unknown format."""
    name, equals, target = text.partition("=")
    if name not in FORMATS or not equals or not target:
        raise UsageProblem(
            f"--report takes FORMAT=FILE, not {text!r}", code="cli.report-format",
            hint=f"formats: {', '.join(FORMATS)}",
        )  # fmt: skip
    return name, Path(target)


def write(
    request: tuple[str, Path], verdicts: Sequence[Verdict], document: Mapping[str, Any], signing: Signing | None = None
) -> None:
    """Write one report. Raises StorageError when its place cannot be written; for a signed one ConflictError
    (cli.output-exists) when it is taken, and UsageProblem (report.too-large)."""
    name, path = request
    if name == "signed":
        write_new(path, _signed(document, signing))
        return
    text = {
        "json": lambda: dump_json(document),
        "md": lambda: markdown(verdicts, document),
        "junit": lambda: junit(verdicts, document),
    }[name]()
    write_whole(path, text.encode("utf-8", "backslashreplace"))


def _signed(document: Mapping[str, Any], signing: Signing | None) -> bytes:
    from personactl.verify import signed_report

    if signing is None:
        raise ValueError("a signed report needs a key")
    return signed_report.build(encodable(document), signing.trust, signing.asked, signing.signer) + b"\n"


def markdown(verdicts: Sequence[Verdict], document: Mapping[str, Any]) -> str:
    """A table of all files, then the findings of those that did not pass."""
    from personactl.verify import verdict_word

    summary = document["summary"]
    counts = ", ".join(f"{summary[name]} {name}" for name in ("pass", "fail", "unproven", "error"))
    rows = [
        "# personactl verify",
        "",
        f"{summary['files']} files: {counts}. Verified at {_md(document['verifiedAt'])}.",
        "",
        "| file | verdict | persona, entry |",
        "|---|---|---|",
        *(f"| {_md(quote(item.path))} | {_md(verdict_word(item))} | {_md(whose(item))} |" for item in verdicts),
    ]
    for item in verdicts:
        told = [finding for finding in item.findings if finding.severity != "info"]
        if told:
            rows += ["", f"## {_md(quote(item.path))}", ""]
            rows += [f"- {finding.severity} {_md(finding.code)}: {_md(finding.message)}" for finding in told]
    return "\n".join(rows) + "\n"


def junit(verdicts: Sequence[Verdict], document: Mapping[str, Any]) -> str:
    """JUnit XML: `fail` and `unproven` are failures, `error` is an error."""
    failures = sum(item.verdict in ("fail", "unproven") for item in verdicts)
    errors = sum(item.verdict == "error" for item in verdicts)
    counts = f'tests="{len(verdicts)}" failures="{failures}" errors="{errors}"'
    rows = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {counts}>",
        f'<testsuite name="personactl verify" {counts} skipped="0" timestamp="{_xml(document["verifiedAt"])}">',
        *(_testcase(item) for item in verdicts),
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(rows) + "\n"


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
