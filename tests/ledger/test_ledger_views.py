"""The views answer in the sqlite3 shell, without BLOBs, about every kind of entry, and from indexes."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils
import story
from ledger_bench import forge
from personactl_ledger import check
from personactl_ledger.predicates import KINDS
from personactl_ledger.schema import expected_objects, schema_sql
from personactl_ledger.tables import VIEWS, rows

SQLITE3 = shutil.which("sqlite3")
SPEAKS_OF = {
    "genesis": "v_genesis", "trust": "v_trust", "key-add": "v_keys", "key-retire": "v_keys", "key-revoke": "v_keys",
    "run-open": "v_run", "run-close": "v_run_end", "persona-freeze": "v_persona", "calibration": "v_calibration",
    "training": "v_training", "adoption": "v_adoption", "refusal": "v_refusal", "release": "v_release",
    "erasure": "v_erasure", "timestamp": "v_stamped", "restore": "v_origin", "migration": "v_origin",
    "merge": "v_origin", "withdrawal": "v_withdrawal", "note": "v_note", "output": "v_output", "reject": "v_reject",
    "void": "v_void", "approval": "v_approval",
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return story.write(tmp_path_factory.mktemp("story") / "ledger.sqlite")


@pytest.fixture
def shell(told: Path) -> Iterator[Any]:
    """Questions to the real sqlite3 program."""
    if SQLITE3 is None:
        pytest.skip("needs the Debian package sqlite3")

    def ask(sql: str) -> list[dict[str, Any]]:
        done = subprocess.run([SQLITE3, "-readonly", "-json", str(told), sql], capture_output=True, check=True)
        assert done.stderr == b""
        return list(json.loads(done.stdout or b"[]"))

    yield ask


def test_the_story_is_a_ledger_that_holds_and_has_every_kind(told: Path) -> None:
    assert check(told).exit_code == 0
    assert {row["kind"] for row in rows(told, "v_timeline")} == set(KINDS)


def test_every_view_of_the_schema_is_listed() -> None:
    assert sorted(VIEWS) == sorted(name for kind, name in expected_objects() if kind == "view")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers_without_blobs_and_with_times_as_text(view: str, shell: Any, told: Path) -> None:
    found = shell(f"SELECT * FROM {view}")  # noqa: S608
    assert found
    for row in found:
        for name, value in row.items():
            assert not isinstance(value, bytes)
            if name in ("at", "since", "signed_time", "writer_clock") or name.endswith("_at"):
                assert value is None or re.fullmatch(r"2026-01-0\dT\d\d:\d\d:\d\dZ", value), (name, value)
    assert [dict(row) for row in sqlite_utils.Database(told)[view].rows] == found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_view_of_its_own_that_shows_it(kind: str, shell: Any) -> None:
    indexes = {row["idx"] for row in shell(f"SELECT idx FROM entry WHERE kind = '{kind}'")}  # noqa: S608
    said: set[Any] = set()
    for row in shell(f"SELECT * FROM {SPEAKS_OF[kind]}"):  # noqa: S608
        said |= {row.get(name) for name in ("idx", "opened_by", "since_entry", "retired_by", "revoked_by")}
    assert indexes <= said


def test_every_entry_says_when(shell: Any) -> None:
    silent = {"void"}
    assert {row["kind"] for row in shell("SELECT * FROM v_timeline WHERE signed_time IS NULL")} <= silent


def test_who_approved_a_file_is_told_for_each_signer(shell: Any) -> None:
    found = shell(f"SELECT * FROM v_approved_file WHERE file_sha256 = '{story.RAIN}'")  # noqa: S608
    assert [(row["person"], row["decision"], row["reason"]) for row in found] == [
        ("Ada Example", "approved", "fits the brief"), ("(erased by entry 25)", "approved", "fits the brief")
    ]  # fmt: skip
    assert [row["signed_by"] for row in found] == [key.key_id for key in story.PERSON.values()]
    assert shell("SELECT persons, files FROM v_approval") == [
        {"persons": "Ada Example, (erased by entry 25)", "files": 2}
    ]


def test_a_name_that_is_gone_without_a_word_is_not_called_erased(tmp_path: Path) -> None:
    book = story.tell()
    book.connection.execute("DELETE FROM sealed WHERE idx = 3")
    found = book.connection.execute("SELECT idx, state, value FROM v_sealed WHERE field = 'name' ORDER BY idx")
    assert found.fetchall() == [(3, "not in this file", None), (4, "erased", None), (6, "present", "Lira")]
    holders = book.connection.execute("SELECT holder FROM v_keys WHERE role = 'person' ORDER BY since_entry")
    assert holders.fetchall() == [("(not in this file)",), ("(erased by entry 25)",)]


def test_all_that_names_a_file_stands_together(shell: Any) -> None:
    found = shell(f"SELECT idx, kind FROM v_file WHERE file_sha256 = '{story.RAIN}' ORDER BY idx, kind")  # noqa: S608
    assert [row["kind"] for row in found] == ["output", "approval", "approval", "release"]


def test_a_voided_output_of_a_persona_says_so(shell: Any) -> None:
    found = shell("SELECT file, voided_by FROM v_persona_output WHERE persona = 'lira' AND persona_version = 1")
    assert [(row["file"], row["voided_by"]) for row in found] == [
        ("rain.png", None), ("snow.png", None), ("beach.png", 19)
    ]  # fmt: skip


def test_a_run_end_counts_what_stands(shell: Any) -> None:
    found = shell("SELECT run, outputs_said, outputs_found, rejects_said, rejects_found, voids_found FROM v_run_end")
    assert [tuple(row.values()) for row in found] == [(story.SPRING, 1, 1, 1, 1, 0), (story.SUMMER, 1, 1, 0, 0, 1)]


def test_odd_lists_in_an_erasure_break_no_view() -> None:
    """Nothing in the rules asks what `erases` holds."""
    book = forge.Forge()
    for erases in (["x", 1, None, {"index": "a", "fields": "b"}, {"fields": ["name"]}], "text", {"a": 1}):
        book.append(book.say("erasure", book.operator, ("x", forge.hex64("x")), erases=erases, basis="x"))
    for view in VIEWS:
        book.connection.execute(f"SELECT * FROM {view}").fetchall()  # noqa: S608


PLANS = {
    "SELECT * FROM v_output WHERE run = 'r'": "entry_run",
    "SELECT * FROM v_reject WHERE run = 'r'": "entry_run",
    "SELECT * FROM v_timeline WHERE run = 'r'": "entry_run",
    "SELECT * FROM v_run WHERE run = 'r'": "entry_run",
    "SELECT * FROM v_run_end WHERE run = 'r'": "entry_run",
    "SELECT * FROM v_output WHERE file_sha256 = 'f'": "entry_subject",
    "SELECT * FROM v_file WHERE file_sha256 = 'f'": "entry_subject",
    "SELECT * FROM v_approved_file WHERE file_sha256 = 'f'": "entry_kind",
    "SELECT * FROM v_persona_output WHERE persona = 'p' AND persona_version = 1": "entry_run",
    "SELECT * FROM v_keys": "entry_certifies",
    "SELECT * FROM v_signer WHERE idx = 3": "INTEGER PRIMARY KEY",
    "SELECT * FROM v_sealed WHERE idx = 3": "INTEGER PRIMARY KEY",
}


@pytest.mark.parametrize("sql", PLANS)
def test_questions_are_answered_from_indexes(sql: str) -> None:
    """No step reads all entries: what one answers in a test ledger it also answers over a million entries."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema_sql())
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    scans = {step for step in steps if step.startswith("SCAN") and "VIRTUAL" not in step}
    assert scans <= {"SCAN k", "SCAN a LEFT-JOIN", "SCAN f", "SCAN v_file"}  # lists of keys and of files, and results
    assert any(PLANS[sql] in step for step in steps)
