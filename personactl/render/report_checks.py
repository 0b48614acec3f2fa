"""A signed report that was checked, for people: who signed it, what it says, and which files it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from personactl.render.terminal import Line, Styled, quote
from personactl.render.verdicts import STYLES

if TYPE_CHECKING:
    from personactl.verify.report_check import Checked, Compared

DEVELOPMENT = "verify.development-keys"


def lines_of(checked: Checked) -> Iterator[Line]:
    """The report, each of its files, then each file at hand."""
    report = checked.report
    whose = f" ({quote(checked.by.name)})" if checked.by.name else ""
    yield [Styled("the report is signed by", "good"), f" {checked.key_id}{whose}"]
    detector = report.detector
    yield f"verified at {report.verified_at} with {detector.get('name')} {detector.get('version')}"
    for item in report.files:
        yield [Styled(quote(item["name"]), "bold"), "  ", *_verdict(item)]
    yield from map(_compared, checked.compared)
    if not checked.compared:
        yield Styled("no file was compared with it; name files, and it is said whether they are the same", "dim")


def _verdict(item: Mapping[str, Any]) -> list[Styled | str]:
    """Verdict, digest, and the codes of its findings."""
    codes = " ".join(_codes(item))
    digest = f"sha256 {item['sha256'][:16]}…" if item["sha256"] else "not read"
    return [_word(item), f" · {digest}", f" · {codes}" if codes else ""]


def _word(item: Mapping[str, Any]) -> Styled:
    """The verdict as `verify` prints it: a pass under development keys says so."""
    word = str(item["verdict"])
    mark = " (development keys: not for release)" if word == "pass" and DEVELOPMENT in _codes(item) else ""
    return Styled(word.upper() + mark, STYLES.get(word, "warn"))


def _codes(item: Mapping[str, Any]) -> list[str]:
    return [str(finding.get("code")) for finding in item["findings"] if isinstance(finding, dict)]


def _compared(item: Compared) -> Line:
    name = Styled(quote(item.path), "bold")
    if item.outcome == "unreadable":
        return [name, "  ", Styled("NOT COMPARED", "bad"), f" · {item.problem}"]
    if item.found is None:
        return [name, "  ", Styled("NOT IN THE REPORT", "bad"), f" · sha256 {item.sha256[:16]}…"]
    return [name, "  is ", quote(item.found["name"]), " of the report: ", _word(item.found)]
