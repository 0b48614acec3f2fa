"""What check reports beyond the vectors: levels, anchors, progress, live ledgers, hostile files."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ledger_bench import NOW, ROOM, Bench, forge
from personactl_ledger import Draft, Ledger, LedgerTrust, check, check_file, key_id, seal
from personactl_ledger.check import DATABASE_LEFT_OUT, NO_ANCHOR, UNEXPLAINED
from personactl_ledger.checkpoint import sign_checkpoint
from personactl_ledger.encoding import to_base64
from personactl_ledger.errors import LedgerCorrupt
from personactl_ledger.merkle import leaf_hash
from personactl_ledger.tables import rows

VECTORS = ROOM / "vectors"


def codes(path: Path, level: str = "full") -> list[str]:
    return [finding.code for finding in check(path, level=level).findings if finding.severity == "error"]  # type: ignore[arg-type]


def make(tmp_path: Path, name: str) -> Path:
    return forge.load(VECTORS / name, tmp_path / "ledger.sqlite")


def tampered(path: Path, sql: str) -> Path:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(forge.tamper(sql))
    connection.close()
    return path


def leaf_at(path: Path, index: int) -> bytearray:
    connection = sqlite3.connect(path)
    row = connection.execute("SELECT leaf FROM entry WHERE idx = ?", (index,)).fetchone()
    connection.close()
    return bytearray(row[0])


def test_each_level_sees_what_it_says(tmp_path: Path) -> None:
    for name, tree, index in (
        ("ledger-leaf-flip_fail", True, True),
        ("ledger-tile_fail", True, True),
        ("ledger-checkpoint-root_fail", True, True),
        ("rule-signer-role_fail", True, True),
        ("ledger-column_fail", False, True),
        ("ledger-sealed_fail", False, True),
        ("rule-run-counts_fail", False, True),
        ("rule-signature_fail", False, False),
    ):
        path = make(tmp_path, name)
        assert (bool(codes(path, "tree")), bool(codes(path, "index"))) == (tree, index), name
        assert codes(path)
        path.unlink()


def test_every_byte_of_every_leaf_matters(tmp_path: Path) -> None:
    path = make(tmp_path, "ledger-good")
    size = check(path).size
    for index in range(size):
        for offset in (1, 40, 400):
            changed = tmp_path / "changed.sqlite"
            changed.write_bytes(path.read_bytes())
            leaf = leaf_at(changed, index)
            leaf[offset] ^= 1
            tampered(changed, f"UPDATE entry SET leaf = X'{leaf.hex()}' WHERE idx = {index};")  # noqa: S608
            assert "ledger.leaf-hash" in codes(changed, "tree")


def test_a_leaf_and_its_hash_changed_together_miss_the_checkpoint(tmp_path: Path) -> None:
    path = make(tmp_path, "ledger-good")
    leaf = leaf_at(path, 6)
    leaf[-20] ^= 1
    both = f"leaf = X'{leaf.hex()}', leaf_hash = X'{leaf_hash(leaf).hex()}'"
    tampered(path, f"UPDATE entry SET {both} WHERE idx = 6;")  # noqa: S608
    assert "ledger.checkpoint-root" in codes(path, "tree")


def test_a_cut_without_an_anchor_is_said_and_with_one_is_found(bench: Bench, ledger: Ledger) -> None:
    early = ledger.checkpoint(bench.log, now=NOW).note.encode()
    ledger.append([bench.note(f"n{n}") for n in range(5)], now=NOW)
    late = ledger.checkpoint(bench.log, now=NOW).note.encode()
    receipt = ledger.prove(6)
    ledger.close()
    tampered(bench.path, "DELETE FROM checkpoint WHERE size > 4; DELETE FROM entry WHERE idx >= 4;")
    silent = check(bench.path, trust=bench.trust())
    assert silent.ok and not silent.anchored and NO_ANCHOR in silent.notes
    assert check(bench.path, anchors=[early], trust=bench.trust()).anchored
    for anchor in (late, receipt):
        report = check(bench.path, anchors=[early, anchor], trust=bench.trust())
        assert [finding.code for finding in report.findings] == ["ledger.rollback"]
        assert not report.anchored and report.exit_code == 4


def test_anchors_of_every_form(bench: Bench, ledger: Ledger) -> None:
    note = ledger.checkpoint(bench.log, now=NOW).note
    receipt = ledger.prove(3)
    ledger.append([bench.note("later")], now=NOW)
    proof = json.loads(receipt)["proof"]
    report = check(bench.path, anchors=[note.encode(), proof.encode(), receipt, b"\n " + receipt])
    assert report.ok and report.anchored
    assert report.notes == ("1 entries after the latest checkpoint are not signed by it yet",)
    for rubbish in (b"", b"{}", b"\xff" * 50, note.encode()[:-3], proof.replace("index", "Index").encode()):
        broken = check(bench.path, anchors=[note.encode(), rubbish])
        assert [finding.code for finding in broken.findings] == ["ledger.anchor"]
        assert not broken.anchored


def test_an_anchor_that_was_signed_by_a_retired_key_still_counts(bench: Bench, ledger: Ledger) -> None:
    note = ledger.checkpoint(bench.log, now=NOW).note.encode()
    retire = bench.draft("key-retire", bench.root, kid=key_id(bench.log.public_key), retiredAt=NOW)
    ledger.append([retire], now=NOW)
    report = check(bench.path, anchors=[note])
    assert report.ok and report.anchored


def test_an_anchor_forged_with_another_key_is_refused(bench: Bench, ledger: Ledger) -> None:
    forged = sign_checkpoint(ledger.origin, 4, bytes(32), forge.log_signer("attacker"), now=NOW).note.encode()
    assert [f.code for f in check(bench.path, anchors=[forged]).findings if f.severity == "error"] == ["ledger.anchor"]


def test_trust_is_about_this_ledger(bench: Bench, ledger: Ledger) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    right = bench.trust()
    assert check(bench.path, trust=right).exit_code == 0
    other_log = forge.log_signer("other").vkeys(bench.origin)
    for trust, code in (
        (LedgerTrust("x", bench.log.vkeys("x"), right.root_keys), "ledger.trust-origin"),
        (LedgerTrust(right.origin, other_log, right.root_keys), "ledger.trust-log-key"),
        (LedgerTrust(right.origin, ("rubbish",), right.root_keys), "ledger.trust-log-key"),
        (LedgerTrust(right.origin, right.log_keys, (bench.operator.public_key,)), "ledger.trust-root"),
        (LedgerTrust(right.origin, right.log_keys, ()), "ledger.trust-root"),
    ):
        report = check(bench.path, trust=trust)
        assert [finding.code for finding in report.findings][:1] == [code]
        assert (report.ok, report.exit_code) == (False, 5)


def test_progress_ends_at_the_size(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.note(f"n{n}") for n in range(2100)], now=NOW)
    seen: list[tuple[int, int]] = []
    check(bench.path, level="tree", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2048, 2104), (2104, 2104)]


def test_sealed_values_are_checked_across_chunks(bench: Bench, ledger: Ledger) -> None:
    drafts = []
    for number in range(2100):
        value = seal("text", f"value {number}")
        drafts.append(Draft(bench.draft("note", bench.operator, sealed={"text": value.commitment}).leaf, (value,)))
    ledger.append(drafts, now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    assert check(bench.path, level="index").ok
    tampered(bench.path, "UPDATE sealed SET value = 'x' WHERE idx IN (4, 2050, 2103);")
    report = check(bench.path, level="index")
    assert [(f.code, f.index) for f in report.findings] == [("ledger.seal", n) for n in (4, 2050, 2103)]


def test_a_thousand_findings_are_counted_not_listed(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.note(f"n{n}") for n in range(400)], now=NOW)
    ledger.close()
    tampered(bench.path, "UPDATE entry SET subject_name = 'other';")
    report = check(bench.path, level="index")
    assert len(report.findings) == 200
    assert any("more findings" in note for note in report.notes)


def test_an_error_among_many_warnings_is_not_lost(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.note("first")], now="2027-01-01T00:00:00Z")
    ledger.append([bench.note(f"n{n}") for n in range(300)], now=NOW)
    ledger.close()
    tampered(bench.path, "UPDATE entry SET subject_name = 'other' WHERE idx = 300;")
    report = check(bench.path)
    assert not report.ok
    assert "ledger.projection" in [finding.code for finding in report.findings]


def test_a_revoked_operator_taints_the_runs_that_it_opened(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.output("rain"), bench.output("snow")], now=NOW)
    said = {"kid": bench.operator.key_id, "fromIndex": 3, "revokedAt": NOW}
    ledger.append([bench.draft("key-revoke", bench.root, **said)], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    report = check(bench.path)
    assert report.ok
    assert report.distrusted == (3, 4, 5)
    assert {finding.severity for finding in report.findings} == {"warning"}


@pytest.mark.parametrize(
    "sql",
    [
        "DROP VIEW v_output; CREATE VIEW v_output AS SELECT 1;",
        "DROP INDEX entry_run;",
        "CREATE TRIGGER extra AFTER INSERT ON entry BEGIN SELECT 1; END;",
        "CREATE TABLE _sqlite_migrations (a);",
        "ALTER TABLE sealed ADD COLUMN extra TEXT;",
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = sql || ' ' WHERE name = 'v_keys';",
        "ANALYZE;",
    ],
)
def test_any_difference_of_the_schema_is_found(tmp_path: Path, sql: str) -> None:
    path = make(tmp_path, "ledger-good")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(sql)
    connection.close()
    assert codes(path, "tree")[0] == "ledger.schema"


def test_a_table_replaced_by_a_view_is_not_read(tmp_path: Path) -> None:
    path = make(tmp_path, "ledger-good")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("ALTER TABLE tile RENAME TO hidden; CREATE VIEW tile AS SELECT * FROM hidden;")
    connection.close()
    report = check(path)
    assert {finding.code for finding in report.findings} == {"ledger.schema"}
    assert report.root_hex == ""


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entry SET leaf = CAST(leaf AS TEXT), appended_at = 7 WHERE idx = 5",
        "UPDATE entry SET leaf = NULL, leaf_hash = 1.5, kind = NULL, subject_name = X'ff' WHERE idx = 5",
        "UPDATE entry SET appended_at = NULL",
        "UPDATE tile SET level = 'x', hashes = 'y', root = NULL",
        "UPDATE tile SET level = -5",
        "UPDATE checkpoint SET root = 7, note = X'ff00'",
        "UPDATE checkpoint SET note = NULL",
        "UPDATE sealed SET field = 'ä', salt = 'text', value = X'00'",
        "UPDATE sealed SET salt = NULL, value = NULL",
    ],
)
def test_a_file_that_did_not_keep_its_types_is_a_finding_and_no_crash(
    tmp_path: Path, sql: str, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path, "ledger-tiles" if "tile" in sql else "ledger-good")
    connection = sqlite3.connect(path, isolation_level=None)
    tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for name, text in tables:
        loose = text.replace("STRICT, ", "").replace(") STRICT", ")").replace("NOT NULL", "")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (loose, name))
    connection.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.executescript(forge.tamper(sql + ";"))
    connection.execute("PRAGMA writable_schema = ON")
    for name, text in tables:
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (text, name))
    connection.close()
    for level in ("tree", "full"):
        report = check(path, level=level)  # type: ignore[arg-type]
        assert report.exit_code in ((0, 4) if level == "tree" else (4,)), report
    assert verifier.main(["ledger", str(path)]) == 4
    assert "Traceback" not in capsys.readouterr().out


def test_a_ledger_that_does_not_begin_with_a_genesis_is_a_finding(bench: Bench, ledger: Ledger) -> None:
    ledger.close()
    leaf = bench.note("first").leaf
    tampered(bench.path, f"UPDATE entry SET leaf = X'{leaf.hex()}' WHERE idx = 0;")  # noqa: S608
    assert "ledger.genesis" in codes(bench.path)


@pytest.mark.parametrize("level", ["index", "full"])
def test_the_databases_own_check_does_not_keep_a_writer_out_for_long(
    bench: Bench, ledger: Ledger, level: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append([bench.note(f"n{n}") for n in range(50)], now=NOW)
    monkeypatch.setattr(check_file, "MOST_SECONDS", -1.0)
    monkeypatch.setattr(check_file, "_STEPS_BETWEEN_LOOKS", 1)
    report = check(bench.path, level=level)
    assert (report.ok, DATABASE_LEFT_OUT in report.notes) == (True, True)
    ledger.close()
    assert DATABASE_LEFT_OUT not in check(bench.path, level=level).notes


def test_write_ahead_logging_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path, "ledger-good")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert codes(path) == ["ledger.journal"]


@pytest.mark.parametrize("damage", ["middle", "header", "short", "empty"])
def test_damaged_files_are_findings(tmp_path: Path, damage: str) -> None:
    path = make(tmp_path, "ledger-tiles")
    data = bytearray(path.read_bytes())
    if damage == "middle":
        for page in range(30, 60):
            data[page * 4096 : page * 4096 + 2000] = b"\xaa" * 2000
    elif damage == "header":
        data[:16] = b"SQLite format 2\x00"
    else:
        data = data[:50] if damage == "short" else bytearray()
    path.write_bytes(data)
    report = check(path)
    assert not report.ok
    assert report.exit_code == 4


def test_the_check_writes_nothing(bench: Bench, ledger: Ledger) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    folder = bench.path.parent
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    check(bench.path, trust=bench.trust())
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_the_stand_alone_program_runs_as_a_program(tmp_path: Path) -> None:
    path = make(tmp_path, "ledger-good")
    folder = VECTORS / "ledger-good"
    arguments = [sys.executable, "-I", str(ROOM / "verify_ledger.py"), "ledger", str(path)]
    good = subprocess.run(
        [*arguments, "--trust", str(folder / "trust.json")], capture_output=True, text=True, check=False
    )
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.endswith("good\n")
    assert subprocess.run([*arguments, "--trust", str(path)], capture_output=True, check=False).returncode == 2
    assert subprocess.run([*arguments, "--what"], capture_output=True, check=False).returncode == 2
    missing = subprocess.run([*arguments[:-1], str(tmp_path / "no")], capture_output=True, text=True, check=False)
    assert missing.returncode == 2 and "No such file" in missing.stderr


def test_the_stand_alone_program_refuses_root_keys_with_their_ids(
    tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path, "ledger-good")
    trust = json.loads((VECTORS / "ledger-good" / "trust.json").read_text(encoding="utf-8"))
    root = forge.signer("root")
    trust["rootKeys"] = [{"kid": root.key_id, "publicKey": to_base64(root.public_key)}]
    (tmp_path / "trust.json").write_text(json.dumps(trust), encoding="utf-8")
    assert verifier.main(["ledger", str(path), "--trust", str(tmp_path / "trust.json")]) == 2
    assert "not a trust file" in capsys.readouterr().err


NOT_UTF8 = {
    "a view": "SET sql = CAST(CAST(sql AS BLOB) || X'202d2dff' AS TEXT) WHERE name = 'v_keys'",
    "a view that does not parse": "SET sql = CAST(X'43524541544520ff' AS TEXT) WHERE name = 'v_keys'",
    "a name": "SET name = CAST(X'ff' AS TEXT) WHERE name = 'v_keys'",
    "a table's column": "SET sql = CAST(replace(CAST(sql AS BLOB), 'voids', X'ff') AS TEXT) WHERE name = 'entry'",
}


@pytest.mark.parametrize("what", NOT_UTF8)
def test_a_schema_that_is_not_utf8_is_a_finding_of_both_readers(
    tmp_path: Path, what: str, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path, "ledger-good")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"PRAGMA writable_schema = ON; UPDATE sqlite_master {NOT_UTF8[what]};")
    connection.close()
    for level in ("tree", "full"):
        assert codes(path, level)[0] in ("ledger.schema", "ledger.database")
    with pytest.raises(LedgerCorrupt) as refused:
        Ledger.open_reader(path)
    assert refused.value.code in ("ledger.schema", "ledger.corrupt")
    assert verifier.main(["ledger", str(path)]) == 4
    assert "[ledger.schema]" in (out := capsys.readouterr().out) or "[ledger.database]" in out


@pytest.mark.parametrize("how", ["header", "log"])
def test_a_file_in_write_ahead_mode_is_never_opened(tmp_path: Path, how: str) -> None:
    path = make(tmp_path, "ledger-good")
    if how == "header":
        data = bytearray(path.read_bytes())
        data[18:20] = b"\x02\x02"
        path.write_bytes(data)
    else:
        path.with_name(path.name + "-wal").write_bytes(b"x" * 4096)
    before = {item.name: item.read_bytes() for item in tmp_path.iterdir()}
    for opening in (Ledger.open_reader, Ledger.open_writer, lambda file: rows(file, "v_keys")):
        with pytest.raises(LedgerCorrupt) as refused:
            opening(path)
        assert (refused.value.code, refused.value.exit_code) == ("ledger.journal", 4)
        path.with_name(path.name + ".lock").unlink(missing_ok=True)
        assert {item.name: item.read_bytes() for item in tmp_path.iterdir()} == before


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_the_stand_alone_program_reads_plain_files_only(
    tmp_path: Path, kind: str, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    good, odd, trust = make(tmp_path, "ledger-good"), tmp_path / "odd", VECTORS / "ledger-good" / "trust.json"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "link":
        odd.symlink_to(good)
    else:
        odd.mkdir()
    assert verifier.main(["ledger", str(odd)]) == 4
    assert verifier.main(["receipt", str(odd), "--trust", str(trust)]) == 4
    assert verifier.main(["ledger", str(good), "--anchor", str(odd)]) == 4
    assert capsys.readouterr().out.count("is not a plain file [ledger.not-plain]") == 3
    assert verifier.main(["ledger", str(good), "--trust", str(odd)]) == 2
    assert "not a plain file" in capsys.readouterr().err


def test_checkpoints_that_an_anchor_shows_and_the_file_lacks_were_removed(bench: Bench, ledger: Ledger) -> None:
    first = ledger.checkpoint(bench.log, now=NOW).note.encode()
    ledger.append([bench.note("later")], now=NOW)
    second = ledger.checkpoint(bench.log, now=NOW).note.encode()
    ledger.close()
    tampered(bench.path, "DELETE FROM checkpoint WHERE size > 4;")
    assert check(bench.path, anchors=[first], trust=bench.trust()).exit_code == 0
    assert check(bench.path, anchors=[first, second]).exit_code == 0
    tampered(bench.path, "DELETE FROM checkpoint;")
    report = check(bench.path, trust=bench.trust())
    assert (report.exit_code, [f.code for f in report.findings]) == (
        5,
        ["ledger.no-checkpoint", "ledger.trust-log-key"],
    )
    for anchor in (first, second):
        report = check(bench.path, anchors=[anchor], trust=bench.trust())
        assert (report.exit_code, report.anchored) == (4, False)
        assert [f.code for f in report.findings if f.severity == "error"] == ["ledger.no-checkpoint"]


def test_sealed_values_that_are_gone_are_said_unless_an_erasure_names_them(
    bench: Bench, ledger: Ledger, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("rain", "snow"):
        value = seal("prompt", name)
        draft = bench.output(name, sealed={"prompt": value.commitment})
        ledger.append([Draft(draft.leaf, (value,))], now=NOW)

    def said() -> tuple[bool, bool]:
        verifier.main(["ledger", str(bench.path)])
        assert check(bench.path).ok
        notes = check(bench.path).notes
        assert UNEXPLAINED.format(1) in check(bench.path, level="index").notes or UNEXPLAINED.format(1) not in notes
        assert not any("sealed" in note for note in check(bench.path, level="tree").notes)
        return UNEXPLAINED.format(1) in notes, "1 sealed values are not in the file" in capsys.readouterr().out

    assert said() == (False, False)
    ledger._connection.execute("DELETE FROM sealed WHERE idx = 4")
    assert said() == (True, True)
    erases = [{"index": 4, "fields": ["prompt"]}]
    erasure = bench.draft("erasure", bench.operator, erases=erases, basis="request", erasedAt=NOW)
    ledger.append([erasure], now=NOW)
    assert said() == (False, False)
