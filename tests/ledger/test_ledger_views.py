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
from personactl_ledger import check, sign_entry, statement
from personactl_ledger.encoding import to_base64
from personactl_ledger.predicates import KINDS
from personactl_ledger.schema import expected_objects, schema_sql
from personactl_ledger.tables import VIEWS, rows

SQLITE3 = shutil.which("sqlite3")
SPEAKS_OF = {
    "genesis": "v_genesis", "trust": "v_trust", "key-add": "v_keys", "key-retire": "v_keys", "key-revoke": "v_keys",
    "run-open": "v_run", "run-close": "v_run_end", "persona-freeze": "v_persona", "calibration": "v_calibration",
    "training": "v_training", "adoption": "v_adoption", "refusal": "v_refusal", "release": "v_release",
    "erasure": "v_erasure", "timestamp": "v_stamped", "restore": "v_origin", "migration": "v_origin",
    "merge": "v_origin", "merged": "v_merged",
    "withdrawal": "v_withdrawal", "note": "v_note", "output": "v_output", "reject": "v_reject",
    "void": "v_void", "approval": "v_approval",
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return story.write(tmp_path_factory.mktemp("story") / "ledger.sqlite")


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return story.write(tmp_path_factory.mktemp("second") / "ledger.sqlite", story.second())


@pytest.fixture
def shell(told: Path) -> Iterator[Any]:
    """Questions to the real sqlite3 program."""
    if SQLITE3 is None:
        pytest.skip("needs the Debian package sqlite3")

    def ask(sql: str, of: Path = told) -> list[dict[str, Any]]:
        done = subprocess.run([SQLITE3, "-readonly", "-json", str(of), sql], capture_output=True, check=True)
        assert done.stderr == b""
        return list(json.loads(done.stdout or b"[]"))

    yield ask


def test_the_stories_are_ledgers_that_hold_and_have_every_kind(told: Path, second: Path) -> None:
    assert [check(path).exit_code for path in (told, second)] == [0, 0]
    assert {row["kind"] for path in (told, second) for row in rows(path, "v_timeline")} == set(KINDS)


def test_every_view_of_the_schema_is_listed() -> None:
    assert sorted(VIEWS) == sorted(name for kind, name in expected_objects() if kind == "view")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers_without_blobs_and_with_times_as_text(
    view: str, shell: Any, told: Path, second: Path
) -> None:
    found = shell(f"SELECT * FROM {view}")  # noqa: S608
    more = shell(f"SELECT * FROM {view}", second)  # noqa: S608
    assert found or more
    for row in [*found, *more]:
        for name, value in row.items():
            assert not isinstance(value, bytes)
            if name in ("at", "since", "signed_time", "writer_clock") or name.endswith("_at"):
                assert value is None or re.fullmatch(r"2026-01-0\dT\d\d:\d\d:\d\dZ", value), (name, value)
    assert [dict(row) for row in sqlite_utils.Database(told)[view].rows] == found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_view_of_its_own_that_shows_it(kind: str, shell: Any, told: Path, second: Path) -> None:
    shown = 0
    for path in (told, second):
        indexes = {row["idx"] for row in shell(f"SELECT idx FROM entry WHERE kind = '{kind}'", path)}  # noqa: S608
        said: set[Any] = set()
        for row in shell(f"SELECT * FROM {SPEAKS_OF[kind]}", path):  # noqa: S608
            said |= {row.get(name) for name in ("idx", "opened_by", "since_entry", "retired_by", "revoked_by")}
        assert indexes <= said
        shown += len(indexes)
    assert shown


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


def test_a_file_without_a_decision_of_its_own_is_not_shown_as_approved() -> None:
    """SPEC 6.11: the decision of the approval is about its subject, not about the files that it lists."""
    book, person = forge.Forge(), forge.signer("person")
    book.key_add("person", person.public_key)
    files = [
        {"name": "rain.png", "sha256": forge.hex64("rain")},
        {"name": "snow.png", "sha256": forge.hex64("snow"), "decision": "rejected"},
    ]
    said = {"decision": "approved", "reason": "all fine", "files": files, "decidedAt": forge.NOW}
    book.append(book.say("approval", person, ("decisions", forge.hex64("decisions")), **said))
    shown = book.connection.execute("SELECT file, decision FROM v_approved_file").fetchall()
    assert shown == [("rain.png", None), ("snow.png", "rejected")]
    told = book.connection.execute("SELECT file, said FROM v_file WHERE idx = 4 AND file != 'decisions'").fetchall()
    assert told == [("rain.png", "no decision"), ("snow.png", "rejected")]


def test_the_signed_time_is_that_of_the_kind_and_no_other_field() -> None:
    book = forge.Forge()
    extra = {
        "createdAt": "2020-01-01T00:00:00Z",
        "addedAt": "2020-01-01T00:00:00Z",
        "decidedAt": "2020-01-01T00:00:00Z",
    }
    book.append(book.say("note", book.operator, ("x", forge.hex64("x")), text="x", notedAt=forge.NOW, **extra))
    book.append(book.say("note", book.operator, ("x", forge.hex64("x")), text="x", **extra))
    book.append_later("note", 2, book.operator)
    found = book.connection.execute("SELECT idx, signed_time FROM v_timeline WHERE idx >= 3").fetchall()
    assert found == [(3, forge.NOW), (4, None), (5, None)]


def test_an_output_belongs_to_the_persona_of_its_own_start_of_the_run() -> None:
    book = forge.Forge()
    for number, persona in enumerate(("first", "second", "third")):
        key = forge.signer(f"run {number}")
        said = {"planSha256": forge.PLAN, "planned": 3, "startedAt": forge.NOW, "run": "r"}
        said |= {"persona": {"id": persona, "version": number}}
        pair = {"kid": key.key_id, "publicKey": to_base64(key.public_key)}
        book.append(book.say("run-open", book.operator, ("plan", forge.PLAN), runKey=pair, **said))
        book.output("r", f"{persona}-a", key, persona=said["persona"])
        book.output("r", f"{persona}-b", key, persona=said["persona"])
    by_start = book.connection.execute("SELECT idx, persona, persona_version FROM v_persona_output ORDER BY idx")
    own = book.connection.execute("SELECT idx, persona, persona_version FROM v_output ORDER BY idx").fetchall()
    assert by_start.fetchall() == own
    assert len(own) == 6


def test_odd_lists_in_an_erasure_break_no_view() -> None:
    """A check refuses them; a view is read before that, too."""
    book = forge.Forge()
    for erases in (["x", 1, None, {"index": "a", "fields": "b"}, {"fields": ["name"]}], "text", {"a": 1}):
        said = {"origin": book.origin, "erases": erases, "basis": "x"}
        payload = statement("erasure", subject=("x", forge.hex64("x")), predicate=said)
        index = book.append_raw(sign_entry(payload, book.operator), "erasure")
        book.connection.execute("DROP TRIGGER IF EXISTS entry_no_update")
        book.connection.execute("UPDATE entry SET statement = ? WHERE idx = ?", (payload.decode(), index))
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
