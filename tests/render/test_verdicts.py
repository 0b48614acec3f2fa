"""Verdict lines and reports: one line for every file, and nothing from outside escapes its format."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from personactl_ledger import Ed25519Signer
from terminals import on_screen, piped

from personactl.errors import ConflictError, StorageError, UsageProblem
from personactl.model import Finding
from personactl.render import reports, verdicts
from personactl.render.outfile import write_whole
from personactl.render.terminal import dump_json
from personactl.verdict import Axes, Verdict
from personactl.verify import document
from personactl.verify.signed_report import Asked

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
    root = ET.fromstring("".join(reports.junit(ALL, result())))  # noqa: S314 - our own text
    suite = root.find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["4", "2", "1"]
    cases = suite.findall("testcase")
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["failure"], ["error"]]
    assert cases[1].get("name") == 'a\\x1b[31m|`<b>&"\\n\\u202e?\\xff.png'


def test_markdown_keeps_its_table_whatever_a_file_is_called() -> None:
    shown = "".join(reports.markdown(ALL, result()))
    rows = [line for line in shown.splitlines() if line.startswith("| ") and "file | verdict" not in line]
    assert len(rows) == 4
    assert "<b>" not in shown
    assert "\x1b" not in shown
    assert [row.replace("\\|", "").count("|") for row in rows] == [4] * 4
    assert "PASS" in rows[0].upper()
    assert "development keys" in rows[0]


HOSTILE = (
    "\x1b[31mred", "\u202egnp.exe", "<script>alert(1)</script>", "]]>", "a|b", "`rm`", "line\nline", "\r\n\t", "&amp;",
    "\x00", "\ufffe\uffff", "\ud800", "![x](http://x)", "# head", "| |", "<!--", "-->", "\u2028", "*b* _i_ ~~s~~",
    "<?xml?>", "http://example.org", "www.example.org", "@someone", "x" * 10_000,
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_from_outside_takes_effect_in_any_format(text: str) -> None:
    told = Finding(code="verify.altered", severity="error", message=text, hint=text)
    verdict = replace(FAIL, path=text, findings=(told,), persona=(text, 1), entry=(text, text, 3))
    xml = "".join(reports.junit((verdict, PASS), result((verdict, PASS))))
    root = ET.fromstring(xml.encode("utf-8"))  # noqa: S314 - our own text
    assert [len(root.findall(f".//{tag}")) for tag in ("testcase", "failure", "property")] == [2, 1, 1]
    shown = "".join(reports.markdown((verdict, PASS), result((verdict, PASS))))
    lines = shown.splitlines()
    assert len(lines) == 12
    assert [re.sub(r"\\.", "", line).count("|") for line in lines[6:8]] == [4, 4]
    terminal, out, _ = piped()
    verdicts.show(terminal, verdict)
    assert len(out.getvalue().splitlines()) == 4
    for written in (xml, shown, out.getvalue()):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\u2028\ud800]", written)
    assert not re.search("[\ufffe\uffff]", xml)
    assert "http://" not in shown
    assert "www.e" not in shown
    assert "<script" not in xml + shown
    assert "<!--" not in xml + shown
    assert not re.search(r"(?<!\\)[`\[]", shown)
    assert max(map(len, (*lines, *out.getvalue().splitlines()))) < (12_000 if len(text) > 400 else 400)
    (file, _) = json.loads(dump_json(result((verdict, PASS))))["files"]
    if text.isprintable():
        assert (file["path"], file["findings"][0]["message"]) == (text, text)  # never cut for programs


def test_a_very_long_text_is_cut_for_people_and_says_so() -> None:
    told = Finding(code="verify.altered", severity="error", message="a" + "x" * 10_000 + "z", hint="")
    rows = text(replace(FAIL, findings=(told,)))
    assert rows[1].startswith("  error[verify.altered]: axxx")
    assert rows[1].endswith("xxxz")
    assert "[9602 characters left out]" in rows[1]


def test_a_summary_of_ten_thousand_files_fits_and_tells_what_did_not_pass_first() -> None:
    many = [*(replace(PASS, path=f"good-{number}.png") for number in range(20_000)), replace(UNPROVEN, path="last.png")]
    shown = "".join(reports.markdown(many, result(tuple(many))))
    assert len(shown.encode()) < reports.MAX_MARKDOWN_BYTES
    assert shown.splitlines()[6].startswith("| last.png | unproven |")
    assert "## last.png" in shown
    assert re.search(r"Too long for a summary: \d+ files are not in this table", shown)
    bad = [replace(FAIL, path=f"bad-{number}.png") for number in range(20_000)]
    shown = "".join(reports.markdown(bad, result(tuple(bad))))
    assert len(shown.encode()) < reports.MAX_MARKDOWN_BYTES
    assert re.search(r"and what was found about \d+ files is left out", shown)


def test_junit_says_what_was_used_before_its_cases() -> None:
    root = ET.fromstring("".join(reports.junit(ALL, result())))  # noqa: S314 - our own text
    suite = root.find("testsuite")
    assert suite is not None
    assert [child.tag for child in suite] == ["properties", *["testcase"] * 4]
    assert [item.get("name") for item in suite.iter("property")] == ["detector"]
    assert {"name", "classname", "file"} == set(suite.findall("testcase")[0].attrib)


def test_the_json_report_is_the_document(tmp_path: Path) -> None:
    reports.write(("json", tmp_path / "out.json"), ALL, result())
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["summary"] == {"files": 4, "pass": 1, "fail": 1, "unproven": 1, "error": 1}


@pytest.mark.parametrize("name", reports.FORMATS)
def test_every_format_is_written_whole_or_not_at_all(name: str, tmp_path: Path) -> None:
    target = tmp_path / "report"
    signing = reports.Signing(signer=Ed25519Signer.generate(), trust=(), asked=Asked())
    reports.write((name, target), ALL, result(), signing)
    assert target.stat().st_size > 100
    with pytest.raises(StorageError):
        reports.write((name, tmp_path / "none" / "report"), ALL, result(), signing)
    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]


def test_a_signed_report_is_written_over_nothing_and_the_others_are_made_again(tmp_path: Path) -> None:
    signing = reports.Signing(signer=Ed25519Signer.generate(), trust=(), asked=Asked())
    target = tmp_path / "report"
    for name in ("json", "md", "junit"):
        reports.write((name, target), ALL, result())
    before = target.read_bytes()
    with pytest.raises(ConflictError):
        reports.write(("signed", target), ALL, result(), signing)
    assert target.read_bytes() == before


@pytest.mark.parametrize("request_text", ["pdf=x", "junit", "junit=", "=x", "", "json=-"])
def test_a_request_that_cannot_be_met_is_refused(request_text: str) -> None:
    with pytest.raises(UsageProblem):
        reports.parse_request(request_text)


def test_a_request_is_a_format_and_a_file_that_may_contain_an_equals_sign() -> None:
    assert reports.parse_request("junit=a=b.xml") == ("junit", Path("a=b.xml"))
    assert reports.parse_request("signed=x") == ("signed", Path("x"))


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
