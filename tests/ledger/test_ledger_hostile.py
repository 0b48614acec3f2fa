"""Work that a stranger's file asks for stays in proportion to its size."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from ledger_bench import NOW, Bench, forge
from page_graphs import MASTER, make_endless
from personactl_ledger import Ledger, LedgerCorrupt, check, checkpoint
from personactl_ledger.book import MemoryBook
from personactl_ledger.compare import read_side
from personactl_ledger.export_check import check_export
from personactl_ledger.export_folder import write_sums
from personactl_ledger.export_ledger import ExportTargets, export
from personactl_ledger.findings import Level
from personactl_ledger.keyring import Keyring
from personactl_ledger.merge import merge
from personactl_ledger.merkle import root_of
from personactl_ledger.note import Note
from personactl_ledger.restore import restore
from personactl_ledger.rules import Rules

import cases  # isort: skip  (its folder is on the path through ledger_bench)

OTHER = "other.example/personactl/0123456789abcdef"


def test_many_merges_cost_the_second_reader_one_tree(verifier: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = 0
    plain = verifier.sha256

    def counted(*parts: bytes) -> bytes:
        nonlocal hashed
        hashed += 1
        return bytes(plain(*parts))

    monkeypatch.setattr(verifier, "sha256", counted)
    rules, leaves = verifier.Rules(), [hashlib.sha256(b"%d" % n).digest() for n in range(600)]
    for number, leaf in enumerate(leaves):
        source = {"origin": OTHER, "index": number, "leafHash": leaf.hex()}
        merged = SimpleNamespace(kind="merged", role="operator", said={"source": source})
        merges = {"origin": OTHER, "size": number + 1, "root": root_of(leaves[: number + 1]).hex()}
        said = {"merges": merges, "first": 2 * number, "count": 1}
        for index, entry in enumerate((merged, SimpleNamespace(kind="merge", role="operator", said=said))):
            rules.judge(2 * number + index, entry)
            rules.record(2 * number + index, entry)
    assert hashed < 20 * len(leaves)


def test_the_end_of_a_key_does_not_look_at_all_keys(verifier: ModuleType) -> None:
    first, second = forge.signer("root").key_id, forge.signer("second root").key_id
    ends = {"kid": first, "fromIndex": 0}
    rules = verifier.Rules()
    rules.roots, rules.keys = {first, second}, _NotWalked({first: {"retired": None}})
    rules.judge(9, SimpleNamespace(kind="key-revoke", said=ends))
    rules.record(9, SimpleNamespace(kind="key-revoke", role="root", said=ends, signers=[]))
    assert rules.roots == {second}
    mine = Rules(MemoryBook(lambda _: None, None, 0))
    mine.keyring = Keyring(keys=_NotWalked(), roots={first, second})
    mine._require_roots_left(first)


def test_keys_without_a_line_in_a_checkpoint_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    book = forge.Forge()
    head, own = checkpoint.parse_checkpoint(book.checkpoint()), book.log.verifier_keys(book.origin)
    others = [forge.log_signer(f"log {number}").verifier_keys(book.origin) for number in range(50)]
    judged: list[Any] = []
    judge = checkpoint._verify

    def counted(note: Note, found: checkpoint.Checkpoint, keys: Any) -> checkpoint.CheckpointSignatures:
        judged.append(keys)
        return judge(note, found, keys)

    monkeypatch.setattr(checkpoint, "_verify", counted)
    assert checkpoint.accept_checkpoint(head, [*others, own]).by == (own,)
    assert judged == [own]


class _NotWalked(dict[str, Any]):
    """A map that says what it has, one by one, to nobody."""

    def __iter__(self) -> Any:
        raise AssertionError("all keys were looked at")

    values = items = __iter__  # type: ignore[assignment]


# --- pages that do not make trees (docs/adr/0123) -------------------------------------------------------------------

TABLES = ("entry", "entry_kind", "tile", "checkpoint", "cosignature", "timestamp", "sealed")
SECONDS = 5
"""Of processor time."""


def written(path: Path) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(cases.good().dump())
    return path


@pytest.fixture(params=(*TABLES, MASTER))
def endless(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A ledger one of whose trees is a graph, and the code of what must be found."""
    path = written(tmp_path / "stranger.sqlite")
    make_endless(path, request.param)
    return path, "ledger.schema" if request.param == MASTER else "ledger.database"


@pytest.mark.parametrize("level", ["tree", "index", "full"])
def test_a_check_of_pages_without_an_end_has_one(level: Level, endless: tuple[Path, str]) -> None:
    path, code = endless
    started = time.process_time()
    report = check(path, level=level)
    assert ([item.code for item in report.findings], report.exit_code) == ([code], 4)
    assert time.process_time() - started < SECONDS


def test_the_second_reader_stops_there_too(
    endless: tuple[Path, str], verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    path, code = endless
    started = time.process_time()
    assert verifier.main(["ledger", str(path)]) == 4
    assert f"[{code}]" in capsys.readouterr().out
    assert time.process_time() - started < SECONDS


def test_a_comparison_reads_no_such_file(endless: tuple[Path, str]) -> None:
    path, code = endless
    with pytest.raises(LedgerCorrupt) as refused:
        read_side(path)
    assert refused.value.code == code


def test_nothing_is_taken_over_from_such_a_file(endless: tuple[Path, str], bench: Bench, ledger: Ledger) -> None:
    path, _ = endless
    with pytest.raises(LedgerCorrupt) as refused:
        merge(ledger, path, trust=bench.trust(), operator=bench.operator, reason="x", now=NOW)
    assert refused.value.code == "ledger.merge-broken"
    with pytest.raises(LedgerCorrupt) as refused:
        restore(path, bench.path.with_name("restored.sqlite"), reason="x", keys=cast(Any, None), now=NOW)
    assert refused.value.code == "ledger.backup-broken"


def test_such_a_copy_in_an_export_is_found(
    bench: Bench, ledger: Ledger, tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    out = tmp_path / "out"
    export(bench.path, ExportTargets(folder=out))
    make_endless(out / "ledger.sqlite", "timestamp")
    (out / "SHA256SUMS").unlink()
    write_sums(out)
    assert [item.code for item in check_export(out).findings][:1] == ["ledger.database"]
    assert verifier.main(["export", str(out)]) == 4
    assert "[ledger.database]" in capsys.readouterr().out


@pytest.mark.parametrize("table", [*TABLES, MASTER])
def test_a_check_from_a_kept_checkpoint_ends_although_sqlite_did_not_look(table: str, tmp_path: Path) -> None:
    path = written(tmp_path / "ledger.sqlite")
    kept = check(path).latest.encode()
    make_endless(path, table)
    started = time.process_time()
    report = check(path, since=kept)
    assert time.process_time() - started < SECONDS
    # An index that only older entries are looked up by was not asked (SPEC 12.9); all else makes the check read all.
    assert (report.exit_code, report.since) in ((4, None), (0, 19))
    assert (report.exit_code == 0) == (table == "entry_kind")


def test_rows_that_hold_more_than_the_file_are_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "ledger.sqlite")
    kept = check(path).latest.encode()
    make_endless(path, "checkpoint", 1, 200, held=3000)
    report = check(path, since=kept)
    assert (report.since, [item.code for item in report.findings]) == (None, ["ledger.database"])


def test_where_a_writer_keeps_sqlite_from_looking_the_check_ends_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "ledger.sqlite")
    make_endless(path, "checkpoint")
    monkeypatch.setattr(sys.modules[check.__module__], "check_database", lambda *_: "unknown")
    report = check(path)
    assert ([item.code for item in report.findings], report.exit_code) == (["ledger.database"], 4)
