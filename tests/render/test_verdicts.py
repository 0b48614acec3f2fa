"""Verdict lines and reports: one line for every file, and nothing from outside escapes its format."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from terminals import on_screen, piped

from personactl.errors import NotAvailable, StorageError, UsageProblem
from personactl.model import Axes, Finding, Verdict
from personactl.render import reports, verdicts
from personactl.render.outfile import write_whole
from personactl.verify import document

NASTY = 'a\x1b[31m|`<b>&"\n\u202e\ufffe\udcff.png'
PASS = Verdict(
    path="rain-0.png", sha256="0" * 64, media_type="image/png", verdict="pass", exit_code=0,
    axes=Axes(integrity="exact", credential="embedded", trust="trusted", disclosure="synthetic", ledger="exact"),
    layers_required=2, layers_found=("signed-metadata", "watermark"), basis=("metadata", "ledger"),
    persona=("lira", 1), entry=("ab" * 16, "example.org/personactl/0", 4), development=True,
    findings=(Finding(code="verify.development-keys", severity="info", message="keys", hint=""),),
)  # fmt: skip
FAIL = replace(
    PASS, path=NASTY, verdict="fail", exit_code=4, development=False, persona=None, entry=None,
    axes=Axes(integrity="altered"),
    findings=(Finding(code="verify.altered", severity="error", message=f"not {NASTY}", hint=f"ask {NASTY}"),),
)  # fmt: skip
UNPROVEN = replace(FAIL, path="u.png", verdict="unproven", exit_code=6, axes=Axes())
ERROR = replace(FAIL, path="e.png", verdict="error", exit_code=4, axes=Axes(integrity="unreadable"))
ALL = (PASS, FAIL, UNPROVEN, ERROR)


def result(items: tuple[Verdict, ...] = ALL) -> dict[str, Any]:
    return document(items, (), "2026-01-02T03:04:05Z")


def text(verdict: Verdict, verbosity: int = 0) -> list[str]:
    terminal, out, _ = piped()
    terminal.verbosity = verbosity
    verdicts.show(terminal, verdict)
    return out.getvalue().splitlines()


def test_a_pass_is_one_line_that_names_persona_entry_and_the_development_keys() -> None:
    (line,) = text(PASS)
    assert line.startswith("rain-0.png  PASS (development keys: not for release) · ")
    assert "lira@1" in line
    assert "#4" in line


def test_verbose_shows_every_axis_and_the_findings_of_no_consequence() -> None:
    rows = text(PASS, verbosity=1)
    assert "integrity exact · credential embedded · trust trusted" in rows[1]
    assert rows[2] == "  info[verify.development-keys]: keys"


@pytest.mark.parametrize("verdict", [FAIL, UNPROVEN, ERROR])
def test_what_did_not_pass_says_why_and_where_to_read_more(verdict: Verdict) -> None:
    rows = text(verdict)
    assert f"  {verdict.verdict.upper()}" in rows[0]
    assert rows[1].startswith("  error[verify.altered]: not a\\x1b[31m|")
    assert rows[2].startswith("    help: ask a\\x1b")
    assert rows[3] == "  → personactl explain verify.altered"
    assert "\x1b" not in "".join(rows)


def test_the_word_stands_beside_the_colour() -> None:
    terminal, screen, _ = on_screen()
    verdicts.show(terminal, ERROR)
    assert "\x1b[31mERROR\x1b[0m" in screen.getvalue()


def test_the_summary_counts_every_verdict() -> None:
    terminal, out, _ = piped()
    verdicts.show_summary(terminal, Counter(item.verdict for item in (*ALL, PASS)))
    assert out.getvalue() == "5 files: 2 pass, 1 fail, 1 unproven, 1 error\n"


def test_junit_has_one_test_for_each_file_and_is_sound_xml() -> None:
    root = ET.fromstring(reports.junit(ALL, result()))  # noqa: S314 - our own text
    suite = root.find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["4", "2", "1"]
    cases = suite.findall("testcase")
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["failure"], ["error"]]
    assert cases[1].get("name") == 'a\\x1b[31m|`<b>&"\\n\\u202e?\\xff.png'


def test_markdown_keeps_its_table_whatever_a_file_is_called() -> None:
    shown = reports.markdown(ALL, result())
    rows = [line for line in shown.splitlines() if line.startswith("| ") and "file | verdict" not in line]
    assert len(rows) == 4
    assert "<b>" not in shown
    assert "\x1b" not in shown
    assert [row.replace("\\|", "").count("|") for row in rows] == [4] * 4
    assert "PASS" in rows[0].upper()
    assert "development keys" in rows[0]


def test_the_json_report_is_the_document(tmp_path: Path) -> None:
    reports.write(("json", tmp_path / "out.json"), ALL, result())
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["summary"] == {"files": 4, "pass": 1, "fail": 1, "unproven": 1, "error": 1}


@pytest.mark.parametrize("name", reports.FORMATS)
def test_every_format_is_written_whole_or_not_at_all(name: str, tmp_path: Path) -> None:
    target = tmp_path / "report"
    reports.write((name, target), ALL, result())
    assert target.stat().st_size > 100
    with pytest.raises(StorageError):
        reports.write((name, tmp_path / "none" / "report"), ALL, result())
    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("request_text", ["pdf=x", "junit", "junit=", "=x", ""])
def test_a_request_that_cannot_be_met_is_refused(request_text: str) -> None:
    with pytest.raises(UsageProblem):
        reports.parse_request(request_text)


def test_a_request_is_a_format_and_a_file_that_may_contain_an_equals_sign() -> None:
    assert reports.parse_request("junit=a=b.xml") == ("junit", Path("a=b.xml"))
    with pytest.raises(NotAvailable):
        reports.parse_request("signed=x")


def test_a_file_is_replaced_in_one_step_and_a_folder_is_not(tmp_path: Path) -> None:
    target = tmp_path / "plan.json"
    write_whole(target, b"one")
    write_whole(target, b"two")
    assert target.read_bytes() == b"two"
    with pytest.raises(StorageError):
        write_whole(tmp_path, b"a folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]
    assert target.read_bytes() == b"two"


def test_a_name_that_looks_like_a_verdict_stands_in_quotes() -> None:
    name = 'a.png  PASS · exact bytes "x\\".png'
    (line, *_) = text(replace(FAIL, path=name))
    assert line.startswith('"a.png  PASS · exact bytes \\"x\\\\\\".png"  FAIL')
    assert text(replace(PASS, path="out/a-b@1+c=d,e_f.png"))[0].startswith("out/a-b@1+c=d,e_f.png  PASS")
