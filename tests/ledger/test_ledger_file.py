"""The file: founding, appending, looking up, locking, and what the database itself refuses."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from ledger_bench import NOW, PLAN, Bench, forge
from personactl_ledger import (
    Draft,
    EntryRefused,
    FormatError,
    Ledger,
    LedgerConflict,
    LedgerCorrupt,
    LedgerError,
    LedgerLocked,
    LedgerMissing,
    LedgerStorage,
    ProfileError,
    Sealed,
    check,
    key_add_leaf,
    seal,
)
from personactl_ledger.tables import VIEWS, rows


def unbound(ledger: Ledger) -> sqlite3.Connection:
    """The writer's connection without the rules of authority.py, as any other program would have it."""
    ledger._connection.set_authorizer(None)
    return ledger._connection


def test_a_new_ledger_names_its_origin_and_enrols_the_operator_and_the_ledger_key(bench: Bench) -> None:
    with bench.create() as ledger:
        assert ledger.size == 3
        assert ledger.development
        genesis, operator, log = (stored.entry for stored in ledger.entries())
        assert ledger.origin == f"example.org/personactl/{genesis.leaf_hash.hex()[:16]}"
        assert (genesis.kind, operator.kind, log.kind) == ("genesis", "key-add", "key-add")
        assert operator.predicate["kid"] == bench.operator.key_id
        assert log.predicate["vkeys"] == list(bench.log.vkeys(ledger.origin))
    assert sorted(path.name for path in bench.path.parent.iterdir()) == ["ledger.sqlite", "ledger.sqlite.lock"]
    assert stat.S_IMODE(bench.path.stat().st_mode) == 0o600


def test_two_ledgers_of_one_organisation_have_different_origins(bench: Bench) -> None:
    bench.create().close()
    first = bench.origin
    bench.path = bench.path.with_name("second.sqlite")
    bench.create().close()
    assert bench.origin != first


def test_a_ledger_is_never_overwritten(bench: Bench) -> None:
    bench.create().close()
    before = bench.path.read_bytes()
    with pytest.raises(LedgerConflict) as refused:
        bench.create()
    assert refused.value.code == "ledger.exists"
    assert bench.path.read_bytes() == before


def test_a_founding_that_died_leaves_nothing_in_the_way(bench: Bench) -> None:
    draft = bench.path.with_name(bench.path.name + ".creating")
    draft.write_bytes(b"half a ledger")
    bench.create().close()
    assert not draft.exists()
    assert check(bench.path).ok


def test_a_founding_with_a_weak_operator_key_leaves_no_file(bench: Bench) -> None:
    with pytest.raises(EntryRefused):
        Ledger.create(
            bench.path, domain="example.org", development=True, root=bench.root, operator_public=bytes(32),
            log=bench.log, now=NOW,
        )  # fmt: skip
    assert [path.name for path in bench.path.parent.iterdir()] == ["ledger.sqlite.lock"]


def test_settings_are_those_that_survive_a_power_cut(ledger: Ledger) -> None:
    connection = ledger._connection
    expected = {
        "journal_mode": "truncate", "synchronous": 3, "foreign_keys": 1, "secure_delete": 1, "trusted_schema": 0,
        "cell_size_check": 1, "recursive_triggers": 1, "busy_timeout": 30000, "mmap_size": 0, "fullfsync": 1,
    }  # fmt: skip
    for name, value in expected.items():
        row = connection.execute(f"PRAGMA {name}").fetchone()
        assert (row[0] if row else 0) == value, name


def test_appending_returns_places_and_keeps_exact_bytes(bench: Bench, ledger: Ledger) -> None:
    drafts = [bench.output("rain"), bench.output("snow")]
    assert ledger.append(drafts, now=NOW) == (4, 5)
    assert ledger.size == 6
    assert ledger.entry(5).entry.leaf == drafts[1].leaf
    assert ledger.entry(5).appended_at == NOW


def test_all_drafts_of_a_call_or_none(bench: Bench, ledger: Ledger) -> None:
    stranger = forge.signer("stranger")
    with pytest.raises(EntryRefused):
        ledger.append([bench.output("rain"), bench.output("snow", key=stranger)], now=NOW)
    assert ledger.size == 4
    assert ledger.append([bench.output("rain")], now=NOW) == (4,)
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    assert check(bench.path).ok


def test_what_an_aborted_call_opened_is_forgotten(bench: Bench, ledger: Ledger) -> None:
    other = forge.signer("other run")
    with pytest.raises(EntryRefused):
        ledger.append([bench.run_open("r-2", other), bench.output("rain", "r-9", other)], now=NOW)
    with pytest.raises(EntryRefused) as refused:
        ledger.append([bench.output("rain", "r-2", other)], now=NOW)
    assert refused.value.code == "ledger.run-unknown"


def test_bytes_that_are_no_entry_are_refused_before_anything_is_written(ledger: Ledger) -> None:
    for leaf in (b"", b"{}", b"x" * 70_000):
        with pytest.raises(FormatError):
            ledger.append([Draft(leaf)], now=NOW)
    with pytest.raises(FormatError):
        ledger.append([], now="yesterday")
    assert ledger.append([], now=NOW) == ()
    assert ledger.size == 4


def test_an_entry_of_65535_bytes_fits_and_one_more_does_not(bench: Bench, ledger: Ledger) -> None:
    def sized(length: int) -> Draft:
        return bench.note("x" * length)

    length = 48_000
    while len(sized(length).leaf) <= 65_532:
        length += 1
    ledger.append([sized(length - 1)], now=NOW)
    with pytest.raises(FormatError) as refused:
        for more in range(4):
            sized(length + more)
    assert refused.value.code == "ledger.leaf-size"


def test_the_same_entry_twice_is_a_conflict(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.note("once")], now=NOW)
    with pytest.raises(LedgerConflict) as refused:
        ledger.append([bench.note("once")], now=NOW)
    assert refused.value.code == "ledger.entry-twice"
    assert ledger.append([bench.note("twice")], now=NOW) == (5,)


def test_look_ups(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.output("rain"), bench.output("snow")], now=NOW)
    assert [stored.index for stored in ledger.by_subject(forge.hex64("file rain"))] == [4]
    found = ledger.by_entry_id(forge.hex32("id snow"))
    assert found is not None and found.index == 5
    assert ledger.by_entry_id("0" * 32) is None
    standing = ledger.by_job_key(forge.hex64("job rain"))
    assert standing is not None and standing.index == 4
    ledger.append([bench.void("rain", 4)], now=NOW)
    assert ledger.by_job_key(forge.hex64("job rain")) is None
    assert ledger.append([bench.output("rain", entryId=forge.hex32("new"))], now=NOW) == (7,)
    again = ledger.by_job_key(forge.hex64("job rain"))
    assert again is not None and again.index == 7
    assert [stored.index for stored in ledger.entries(kind="output")] == [4, 5, 7]
    assert [stored.index for stored in ledger.entries(4, 6)] == [4, 5]
    assert [stored.index for stored in ledger.entries(run="r-1")] == [3, 4, 5, 6, 7]
    with pytest.raises(LedgerMissing):
        ledger.entry(99)
    with pytest.raises(LedgerMissing):
        ledger.entry(-1)


def test_run_state_says_what_a_run_close_must_repeat(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.output("rain"), bench.output("snow"), bench.void("rain", 4)], now=NOW)
    state = ledger.run_state("r-1")
    assert state is not None
    assert (state.open_index, state.last_index, state.outputs, state.rejects, state.open) == (3, 6, 2, 0, True)
    said = {
        "run": "r-1", "planSha256": PLAN, "planned": 1, "done": 1, "failed": 0, "rejected": 0, "skipped": 0,
        "outputs": state.outputs, "rejects": state.rejects, "firstIndex": state.open_index,
        "lastIndex": state.last_index, "closedAt": NOW,
    }  # fmt: skip
    for name in ("planned", "done", "outputs", "rejects", "firstIndex", "lastIndex"):
        with pytest.raises(EntryRefused) as refused:
            ledger.append([bench.draft("run-close", bench.operator, **(said | {name: said[name] + 1}))], now=NOW)
        assert refused.value.code == "ledger.run-counts"
    ledger.append([bench.draft("run-close", bench.operator, **said)], now=NOW)
    closed = ledger.run_state("r-1")
    assert closed is not None and not closed.open
    assert ledger.run_state("r-2") is None


def test_sealed_values_are_kept_beside_the_log(bench: Bench, ledger: Ledger) -> None:
    prompt = seal("prompt", "a red coat in the rain")
    draft = bench.output("rain", sealed={"prompt": prompt.commitment})
    ledger.append([Draft(draft.leaf, (prompt,))], now=NOW)
    assert ledger.unseal(4) == {"prompt": "a red coat in the rain"}
    assert b"red coat" not in ledger.entry(4).entry.payload
    other = bench.output("snow", sealed={"prompt": prompt.commitment})
    forged = Sealed("prompt", prompt.salt, "a blue coat", prompt.commitment)
    for wrong in (forged, seal("negative", "x")):
        with pytest.raises(EntryRefused) as refused:
            ledger.append([Draft(other.leaf, (wrong,))], now=NOW)
        assert refused.value.code == "ledger.seal"


def test_equal_values_have_different_commitments() -> None:
    assert seal("prompt", "x").commitment != seal("prompt", "x").commitment
    for arguments in (("", "x", None), ("Prompt", "x", None), ("prompt", "x", b"short"), ("prompt", "\ud800", None)):
        with pytest.raises(ProfileError):
            seal(*arguments)


def test_deleted_sealed_values_are_gone_from_the_bytes(bench: Bench, ledger: Ledger) -> None:
    value = seal("prompt", "A-NAME-TO-FORGET " * 20)
    draft = bench.output("rain", sealed={"prompt": value.commitment})
    ledger.append([Draft(draft.leaf, (value,))], now=NOW)
    assert b"A-NAME-TO-FORGET" in bench.path.read_bytes()
    ledger._connection.execute("DELETE FROM sealed WHERE idx = 4")
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    assert b"A-NAME-TO-FORGET" not in bench.path.read_bytes()
    assert check(bench.path).ok


def test_a_second_writer_is_turned_away_at_once_and_may_come_later(bench: Bench, ledger: Ledger) -> None:
    with pytest.raises(LedgerLocked) as refused:
        Ledger.open_writer(bench.path)
    assert refused.value.exit_code == 75
    ledger.close()
    Ledger.open_writer(bench.path).close()


def test_readers_follow_a_writer_at_work(bench: Bench, ledger: Ledger) -> None:
    with Ledger.open_reader(bench.path) as reader:
        assert reader.size == 4
        iterator = reader.entries()
        next(iterator)
        ledger.append([bench.output("rain")], now=NOW)
        assert reader.size == 5
        assert reader.entry(4).entry.kind == "output"
        assert len(list(iterator)) == 3
        ledger.checkpoint(bench.log, now=NOW)
        assert check(bench.path, trust=bench.trust()).ok
        with pytest.raises(LedgerError, match="opened for reading"):
            reader.append([bench.note("x")], now=NOW)
        with pytest.raises(LedgerError, match="opened for reading"):
            reader.checkpoint(bench.log, now=NOW)


def test_a_writer_waits_for_a_reader_in_the_middle_of_a_row(bench: Bench, ledger: Ledger) -> None:
    ledger._connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(bench.path)
    cursor = other.execute("SELECT idx FROM entry")
    cursor.fetchone()
    with pytest.raises(LedgerLocked):
        ledger.append([bench.note("x")], now=NOW)
    other.close()


def test_a_full_disk_keeps_nothing_and_the_next_writer_goes_on(bench: Bench, ledger: Ledger) -> None:
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerStorage) as refused:
        ledger.append([bench.note("x" * 9000)], now=NOW)
    assert refused.value.exit_code == 8
    with pytest.raises(LedgerStorage, match="earlier write"):
        ledger.append([bench.note("y")], now=NOW)
    ledger.close()
    with Ledger.open_writer(bench.path) as again:
        assert again.size == 4
        again.append([bench.note("y")], now=NOW)
        again.checkpoint(bench.log, now=NOW)
    assert check(bench.path).ok


def test_missing_foreign_and_odd_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    for call in (Ledger.open_reader, Ledger.open_writer, check):
        with pytest.raises(LedgerMissing):
            call(path)
    path.write_bytes(b"not a database, but long enough to have a header" * 100)
    for call in (Ledger.open_reader, Ledger.open_writer):
        with pytest.raises(LedgerCorrupt):
            call(path)
    path.unlink()
    sqlite3.connect(path).execute("CREATE TABLE t (a)").connection.close()
    for call in (Ledger.open_reader, Ledger.open_writer):
        with pytest.raises(LedgerCorrupt) as refused:
            call(path)
        assert refused.value.code == "ledger.other-application"
    link = tmp_path / "link.sqlite"
    link.symlink_to(path)
    for call in (Ledger.open_reader, Ledger.open_writer, check):
        with pytest.raises(LedgerCorrupt):
            call(link)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(LedgerCorrupt):
        check(tmp_path / "fifo")


def test_a_changed_schema_is_not_opened(bench: Bench, ledger: Ledger) -> None:
    unbound(ledger).execute("DROP TRIGGER entry_no_delete")
    ledger.close()
    for call in (Ledger.open_reader, Ledger.open_writer):
        with pytest.raises(LedgerCorrupt) as refused:
            call(bench.path)
        assert refused.value.code == "ledger.schema"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entry SET kind = 'x'", "DELETE FROM entry",
        "INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE idx = 1",
        "INSERT INTO entry SELECT 9, zeroblob(32), 'note', NULL, NULL, NULL, NULL, NULL, subject_name,"
        " subject_sha256, key_id, appended_at, statement, leaf FROM entry WHERE idx = 1",
        "UPDATE checkpoint SET root = root", "DELETE FROM checkpoint",
        "INSERT INTO checkpoint SELECT size + 1, root, note, created_at FROM checkpoint",
        "INSERT INTO checkpoint SELECT size - 1, root, note, created_at FROM checkpoint",
        "UPDATE sealed SET value = 'x'", "INSERT OR REPLACE INTO sealed SELECT idx, field, salt, 'x' FROM sealed",
        "INSERT INTO sealed SELECT 99, field, salt, value FROM sealed",
        "UPDATE cosignature SET line = 'x'", "DELETE FROM cosignature",
        "INSERT OR REPLACE INTO cosignature SELECT size, key_name, key_hash, 'x', received_at FROM cosignature",
        "UPDATE timestamp SET tsa = 'x'", "DELETE FROM timestamp",
        "INSERT OR REPLACE INTO timestamp"
        " SELECT id, size, 'x', hash_algorithm, token, covers, evidence, received_at FROM timestamp",
        "INSERT INTO tile VALUES (0, 1, zeroblob(8192), zeroblob(32))", "INSERT INTO tile VALUES (0, 0, X'00', X'00')",
    ],
)  # fmt: skip
def test_the_database_refuses(bench: Bench, ledger: Ledger, sql: str) -> None:
    value = seal("prompt", "x")
    ledger.append([Draft(bench.output("rain", sealed={"prompt": value.commitment}).leaf, (value,))], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    connection = unbound(ledger)
    connection.execute("INSERT INTO cosignature VALUES (5, 'w', X'00000000', 'l', '2026-01-01T00:00:00Z')")
    connection.execute("INSERT INTO timestamp VALUES (1, 5, 't', 'sha256', X'00', NULL, NULL, '2026-01-01T00:00:00Z')")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(sql)


def test_checkpoints_grow_and_repeat_themselves(bench: Bench, ledger: Ledger) -> None:
    assert ledger.latest_checkpoint() is None
    first = ledger.checkpoint(bench.log, now=NOW)
    assert ledger.checkpoint(bench.log, now="2026-02-02T00:00:00Z") == first
    ledger.append([bench.note("x")], now=NOW)
    second = ledger.checkpoint(bench.log, now=NOW)
    assert (first.size, second.size) == (4, 5)
    assert ledger.latest_checkpoint() == second


def test_only_the_enrolled_ledger_key_signs(bench: Bench, ledger: Ledger) -> None:
    with pytest.raises(EntryRefused) as refused:
        ledger.checkpoint(forge.log_signer("another"), now=NOW)
    assert refused.value.code == "ledger.log-key"
    assert ledger.latest_checkpoint() is None


def test_a_tree_that_left_its_checkpoint_is_neither_opened_nor_signed(bench: Bench, ledger: Ledger) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    ledger.append([bench.note("x")], now=NOW)
    unbound(ledger).executescript(forge.tamper("UPDATE entry SET leaf_hash = zeroblob(32) WHERE idx = 2;"))
    with pytest.raises(LedgerCorrupt) as refused:
        ledger.checkpoint(bench.log, now=NOW)
    assert refused.value.code == "ledger.checkpoint-root"
    ledger.close()
    with pytest.raises(LedgerCorrupt):
        Ledger.open_writer(bench.path)


def test_views_read_as_rows(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.output("rain"), bench.output("snow"), bench.void("rain", 4)], now=NOW)
    outputs = rows(bench.path, "v_output")
    assert [(row["file"], row["voided_by"]) for row in outputs] == [("rain.png", 6), ("snow.png", None)]
    assert [row["role"] for row in rows(bench.path, "v_keys")] == ["root", "operator", "ledger", "run"]
    second = forge.signer("second root")
    enrol = key_add_leaf(origin=bench.origin, role="root", public_key=second.public_key, root=bench.root, now=NOW)
    ledger.append([Draft(enrol)], now=NOW)
    ledger.append([bench.draft("key-retire", second, kid=bench.root.key_id, retiredAt=NOW)], now=NOW)
    ledger.append([bench.draft("key-revoke", second, kid=bench.run.key_id, fromIndex=5, revokedAt=NOW)], now=NOW)
    ended = [
        (row["role"], row["retired_by"], row["revoked_by"], row["revoked_from"]) for row in rows(bench.path, "v_keys")
    ]
    assert (ended[0], ended[3], ended[4]) == (("root", 8, None, None), ("run", None, 9, 5), ("root", None, None, None))
    assert [row["kind"] for row in rows(bench.path, "v_timeline", limit=2, offset=3)] == ["run-open", "output"]
    for view in VIEWS:
        assert isinstance(rows(bench.path, view), list)
    with pytest.raises(LedgerMissing):
        rows(bench.path, "sealed")
