"""Going on from a kept checkpoint: the same findings about what is new, and everything read where it cannot be so."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ledger_bench import NOW, ROOM, Bench, forge
from personactl_ledger import CheckReport, Draft, Ledger, LogSigner, check, key_id, seal
from personactl_ledger.check import KEPT, NOT_KEPT
from personactl_ledger.checkpoint import sign_checkpoint
from personactl_ledger.merkle import root_of
from personactl_ledger.projection import COLUMNS, project

import story  # isort: skip  (the folder of the tests is on the path)

VECTORS = ROOM / "vectors"
LEVELS = ("tree", "index", "full")
NAMES = sorted(
    path.parent.name
    for path in VECTORS.glob("*/vector.json")
    if json.loads(path.read_text(encoding="utf-8"))["reader"] == "ledger"
)


def tampered(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(forge.tamper(sql))
    connection.close()


def tampered_copy(path: Path, sql: str) -> Path:
    copy = path.with_name("copy.sqlite")
    copy.write_bytes(path.read_bytes())
    tampered(copy, sql)
    return copy


def kept_at(path: Path, size: int, origin: str, log: LogSigner | None = None) -> bytes:
    """The checkpoint that the standard forge's ledger key would have signed over the first entries of a file."""
    connection = sqlite3.connect(path)
    hashes = [row[0] for row in connection.execute("SELECT leaf_hash FROM entry ORDER BY idx LIMIT ?", (size,))]
    connection.close()
    return sign_checkpoint(origin, size, root_of(hashes), log or forge.log_signer(), now=NOW).note.encode()


def kind_at(path: Path, index: int) -> str:
    connection = sqlite3.connect(path)
    (kind,) = connection.execute("SELECT kind FROM entry WHERE idx = ?", (index,)).fetchone()
    connection.close()
    return str(kind)


def found(report: CheckReport, since: int) -> list[tuple[str, int | None]]:
    """Errors and warnings about new entries, or about none in particular."""
    return [(f.code, f.index) for f in report.findings if f.index is None or f.index >= since]


@pytest.mark.parametrize("name", NAMES)
def test_vectors_give_the_same_findings_about_what_is_new(name: str, tmp_path: Path) -> None:
    path = forge.load(VECTORS / name, tmp_path / "ledger.sqlite")
    for level in LEVELS:
        whole = check(path, level=level)  # type: ignore[arg-type]
        defects = [f.index for f in whole.findings if f.severity == "error"]
        for size in {4, 6, whole.size // 2, whole.size - 1, whole.size}:
            if not (whole.origin and 0 < size <= whole.size):
                continue
            kept = kept_at(path, size, whole.origin)
            whole = check(path, level=level, anchors=[kept])  # type: ignore[arg-type]
            report = check(path, level=level, since=kept)  # type: ignore[arg-type]
            if report.since is None:
                continue
            assert report.since == size
            assert KEPT.format(size) in report.notes
            if all(index is not None and index >= size for index in defects):
                assert found(report, size) == found(whole, size)
                assert report.root_hex == whole.root_hex
                assert (report.ok, report.anchored) == (whole.ok, whole.anchored)


def test_most_vectors_can_be_gone_on_with(tmp_path: Path) -> None:
    path = forge.load(VECTORS / "ledger-tiles", tmp_path / "ledger.sqlite")
    whole = check(path)
    for size in (4, 255, 256, 257, whole.size - 1, whole.size):
        report = check(path, since=kept_at(path, size, whole.origin))
        assert (report.since, report.ok, report.anchored, report.findings) == (size, True, True, ())
        assert report.latest == whole.latest != ""


@pytest.fixture
def kept(bench: Bench, ledger: Ledger) -> bytes:
    """A checkpoint over a run with an output, a void, an adoption and a frozen persona, and 300 notes."""
    said = {"persona": {"id": "lira", "version": 1}}
    adoption = bench.draft("adoption", bench.operator, ("a.png", forge.hex64("a")), entryId=forge.hex32("adopted"))
    drafts = [bench.output("rain"), bench.output("snow"), bench.void("snow", 5)]
    drafts += [bench.draft("persona-freeze", bench.operator, **said), adoption]
    ledger.append([*drafts, *(bench.note(f"n{n}") for n in range(300))], now=NOW)
    return ledger.checkpoint(bench.log, now=NOW).note.encode()


def forced(bench: Bench, ledger: Ledger, *drafts: Any) -> None:
    """Store what the rules would refuse, with its place in the tree, and sign the tree."""
    with ledger.write() as store:
        for draft in drafts:
            entry = forge.parse_entry(draft.leaf)
            store.insert(store.size(), entry, NOW)
            ledger._growth.append(entry.leaf_hash, store)
    ledger.checkpoint(bench.log, now=NOW)


def close(bench: Bench, **changed: object) -> Any:
    said = {"run": "r-1", "planSha256": forge.hex64("plan"), "planned": 1, "done": 1, "failed": 0, "rejected": 0}
    said |= {"skipped": 0, "outputs": 2, "rejects": 0, "firstIndex": 3, "lastIndex": 6, "closedAt": NOW}
    return bench.draft("run-close", bench.operator, ("plan", forge.hex64("plan")), **(said | changed))


def withdrawal(bench: Bench, index: int) -> Any:
    said = {"entryId": forge.hex32("adopted"), "withdraws": index, "withdrawnAt": NOW}
    return bench.draft("withdrawal", bench.operator, ("a.png", forge.hex64("a")), **said)


OLDER = {
    "an output of an open run": lambda b: ([b.output("hail")], []),
    "a job that an older output did": lambda b: (
        [b.output("rain", entryId=forge.hex32("x"))], ["ledger.job-key-twice"]),
    "a job that was voided": lambda b: ([b.output("snow", entryId=forge.hex32("x"))], []),
    "a void of an older output, and the job again": lambda b: (
        [b.void("rain", 4), b.output("rain", entryId=forge.hex32("x"))], []),
    "a void of what is no output": lambda b: ([b.void("rain", 20)], ["ledger.void-target"]),
    "a void of another output": lambda b: ([b.void("snow", 4)], ["ledger.void-target"]),
    "a persona frozen again": lambda b: (
        [b.draft("persona-freeze", b.operator, persona={"id": "lira", "version": 1}, x="x")], ["ledger.persona-twice"]),
    "a persona's next version": lambda b: (
        [b.draft("persona-freeze", b.operator, persona={"id": "lira", "version": 2})], []),
    "a withdrawal": lambda b: ([withdrawal(b, 8)], []),
    "a withdrawal of what is no adoption": lambda b: ([withdrawal(b, 9)], ["ledger.withdrawal-target"]),
    "a run-close that counts older entries": lambda b: ([close(b)], []),
    "a run-close that counts wrong": lambda b: ([close(b, outputs=1)], ["ledger.run-counts"]),
    "an output after the run-close": lambda b: ([close(b), b.output("hail")], ["ledger.run-closed"]),
    "an older run's plan, changed": lambda b: (
        [b.run_open(key=forge.signer("new"), planned=9)], ["ledger.run-plan"]),
    "the run opened again": lambda b: (
        [b.run_open(key=forge.signer("new")), b.output("hail", key=forge.signer("new"))], []),
    "an unknown signer": lambda b: ([b.draft("note", b.run, text="x")], ["ledger.signer-unknown"]),
    "a stranger's run": lambda b: ([b.output("hail", run="r-2")], ["ledger.run-unknown"]),
}  # fmt: skip


@pytest.mark.parametrize("what", OLDER)
def test_rules_look_up_older_entries(bench: Bench, ledger: Ledger, kept: bytes, what: str) -> None:
    drafts, codes = OLDER[what](bench)
    forced(bench, ledger, *drafts)
    report = check(bench.path, since=kept)
    assert [f.code for f in report.findings] == codes
    assert report.findings == check(bench.path).findings
    assert (report.since, report.size) == (309, 309 + len(drafts))


def test_an_entry_id_that_is_older_is_looked_up(bench: Bench, ledger: Ledger, kept: bytes) -> None:
    entry = forge.parse_entry(bench.output("hail", entryId=forge.hex32("id rain")).leaf)
    with ledger.write() as store:  # the file's own index would refuse the right column
        columns = list(project(entry))
        columns[COLUMNS.index("entry_id")] = forge.hex32("lie")
        names, values = ", ".join(COLUMNS), ", ?" * len(columns)
        sql = f"INSERT INTO entry (idx, appended_at, leaf, {names}) VALUES (309, ?, ?{values})"  # noqa: S608
        store.connection.execute(sql, (NOW, entry.leaf, *columns))
    report = check(bench.path, since=kept)
    assert [f.code for f in report.findings] == ["ledger.projection", "ledger.entry-id-twice"]
    assert report.findings == check(bench.path).findings


@pytest.mark.parametrize("level", LEVELS)
def test_older_entries_are_not_read_again(bench: Bench, ledger: Ledger, kept: bytes, level: Any) -> None:
    ledger.append([bench.output("hail")], now=NOW)
    ledger.close()
    tampered(bench.path, "UPDATE entry SET leaf = X'7b7d' WHERE idx = 200;")
    assert not check(bench.path, level=level).ok
    report = check(bench.path, level=level, since=kept)
    assert (report.ok, report.since, report.size, report.anchored) == (True, 309, 310, True)
    assert KEPT.format(309) in report.notes


@pytest.mark.parametrize("sql", [
    "UPDATE entry SET leaf = X'7b7d' WHERE idx = 3;",  # a run-open that new outputs need
    "UPDATE entry SET leaf = X'7b7d' WHERE idx = 1;",
    "UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE idx = 9), kind = 'key-add' WHERE idx = 10;",
    "UPDATE entry SET leaf_hash = randomblob(32) WHERE idx = 300;",
    "UPDATE tile SET hashes = zeroblob(8192);",
    "UPDATE tile SET root = zeroblob(32);",
    "DELETE FROM tile;",
    "UPDATE entry SET run = 'r-1', kind = 'run-open' WHERE idx = 20;",
])  # fmt: skip
def test_what_does_not_lead_to_the_root_makes_it_read_everything(
    bench: Bench, ledger: Ledger, kept: bytes, sql: str
) -> None:
    ledger.append([bench.output("hail")], now=NOW)
    ledger.close()
    tampered(bench.path, sql)
    report = check(bench.path, since=kept)
    assert (report.ok, report.since, report.exit_code) == (False, None, 4)
    assert NOT_KEPT in report.notes
    whole = check(bench.path, anchors=[kept])
    assert report.findings == whole.findings


@pytest.mark.parametrize("what", ["frozen", "certified", "taken back"])
def test_what_columns_alone_say_of_older_entries_is_not_believed(
    bench: Bench, ledger: Ledger, kept: bytes, what: str
) -> None:
    new = forge.signer("new")
    drafts, sql = {
        "frozen": (
            [bench.draft("persona-freeze", bench.operator, persona={"id": "lira", "version": 2})],
            "UPDATE entry SET statement = replace(statement, '\"version\":1', '\"version\":2') WHERE idx = 7;",
        ),
        "certified": (
            [bench.run_open("r-2", key=new)],
            f"UPDATE entry SET kind = 'run-open', certifies = '{new.key_id}' WHERE idx = 20;",  # noqa: S608
        ),
        "taken back": ([bench.void("rain", 4)], "UPDATE entry SET voids = 4 WHERE idx = 20;"),
    }[what]
    ledger.append(drafts, now=NOW)
    assert check(bench.path, since=kept).since == 309
    if what != "frozen":  # the file's own indexes refuse the column beside the right one
        tampered(bench.path, f"UPDATE entry SET certifies = NULL, voids = NULL WHERE idx = 309; {sql}")  # noqa: S608
    else:
        tampered(bench.path, sql)
    report = check(bench.path, since=kept)
    assert (report.ok, report.since) == (False, None)
    assert report.findings == check(bench.path, anchors=[kept]).findings


def test_a_kept_checkpoint_of_another_history_is_an_anchor_that_fails(
    bench: Bench, ledger: Ledger, kept: bytes
) -> None:
    early = kept_at(bench.path, 100, bench.origin)
    forked = sign_checkpoint(bench.origin, 200, bytes(32), bench.log, now=NOW).note.encode()
    beyond = sign_checkpoint(bench.origin, 400, bytes(32), bench.log, now=NOW).note.encode()
    foreign = sign_checkpoint("other.example/personactl/0123456789abcdef", 100, bytes(32), bench.log, now=NOW)
    root = bytes.fromhex(check(bench.path).root_hex)
    stranger = sign_checkpoint(bench.origin, 309, root, forge.log_signer("x"), now=NOW)
    assert check(bench.path, since=early).since == 100
    for data, code in (
        (forked, "ledger.fork"), (beyond, "ledger.rollback"), (foreign.note.encode(), "ledger.anchor"),
        (stranger.note.encode(), "ledger.anchor"), (b"rubbish", "ledger.anchor"), (b"", "ledger.anchor"),
    ):  # fmt: skip
        report = check(bench.path, since=data)
        assert [f.code for f in report.findings] == [code]
        assert (report.since, report.anchored, report.latest) == (None, False, "")


def test_anchors_below_and_above_a_kept_checkpoint_are_compared(bench: Bench, ledger: Ledger, kept: bytes) -> None:
    receipt = ledger.prove(4)
    ledger.append([bench.note("later")], now=NOW)
    later = ledger.checkpoint(bench.log, now=NOW).note.encode()
    sizes = (1, 4, 100, 255, 256, 257, 308)
    older = [kept_at(bench.path, size, bench.origin) for size in sizes]
    report = check(bench.path, since=kept, anchors=[receipt, later, *older], trust=bench.trust())
    assert (report.ok, report.anchored, report.since) == (True, True, 309)
    for size in sizes:
        wrong = sign_checkpoint(bench.origin, size, bytes(32), bench.log, now=NOW).note.encode()
        assert [f.code for f in check(bench.path, since=kept, anchors=[wrong]).findings] == ["ledger.fork"]


def test_a_receipt_or_a_proof_may_be_kept_as_well(bench: Bench, ledger: Ledger, kept: bytes) -> None:
    receipt = ledger.prove(4)
    for data in (receipt, json.loads(receipt)["proof"].encode()):
        assert check(bench.path, since=data).since == 309


def test_a_new_revocation_that_reaches_back_makes_it_read_everything(bench: Bench, ledger: Ledger, kept: bytes) -> None:
    said = {"kid": bench.run.key_id, "fromIndex": 5, "revokedAt": NOW}
    ledger.append([bench.draft("key-revoke", bench.root, **said)], now=NOW)
    report = check(bench.path, since=kept)
    assert (report.since, report.distrusted) == (None, (5, 6))
    assert NOT_KEPT in report.notes
    later = ledger.checkpoint(bench.log, now=NOW).note.encode()
    ledger.append([bench.note("x")], now=NOW)
    assert (check(bench.path, since=later).since, check(bench.path, since=later).distrusted) == (310, ())


def test_what_a_run_key_signs_after_its_opener_was_revoked_stays_distrusted(
    bench: Bench, ledger: Ledger, kept: bytes
) -> None:
    said = {"kid": bench.operator.key_id, "fromIndex": 3, "revokedAt": NOW}
    ledger.append([bench.draft("key-revoke", bench.root, **said)], now=NOW)
    later = ledger.checkpoint(bench.log, now=NOW).note.encode()
    ledger.append([bench.output("hail")], now=NOW)
    assert 310 in check(bench.path).distrusted
    report = check(bench.path, since=later)
    assert (report.since, report.distrusted) == (310, (310,))


def test_the_clock_and_new_sealed_values_go_on(bench: Bench, ledger: Ledger, kept: bytes) -> None:
    ledger.append([bench.note("late")], now="2025-01-01T00:00:00Z")
    report = check(bench.path, since=kept)
    assert [(f.code, f.index) for f in report.findings] == [("ledger.clock", 309)]


def test_the_latest_good_checkpoint_is_told_and_never_a_smaller_one(bench: Bench, ledger: Ledger, kept: bytes) -> None:
    assert check(bench.path).latest.encode() == kept
    ledger.append([bench.note("later")], now=NOW)
    assert check(bench.path, since=kept).latest.encode() == kept
    later = ledger.checkpoint(bench.log, now=NOW).note
    assert check(bench.path, since=kept).latest == later
    ledger.close()
    tampered(bench.path, "DELETE FROM checkpoint WHERE size > 309;")
    assert check(bench.path, since=later.encode()).latest == ""
    assert check(bench.path, since=kept).latest.encode() == kept
    tampered(bench.path, "DELETE FROM checkpoint;")
    assert check(bench.path, since=kept).latest == ""
    assert check(bench.path).latest == ""


def test_a_broken_ledger_gives_no_checkpoint_to_keep(bench: Bench, ledger: Ledger, kept: bytes) -> None:
    forced(bench, ledger, bench.output("rain", entryId=forge.hex32("x")))
    assert check(bench.path).latest == check(bench.path, since=kept).latest == ""


def test_a_checkpoint_that_only_a_revoked_key_signed_is_not_the_one_to_keep(
    bench: Bench, ledger: Ledger, kept: bytes
) -> None:
    said = {"kid": key_id(bench.log.public_key), "fromIndex": 0, "revokedAt": NOW}
    ledger.append([bench.draft("key-revoke", bench.root, **said)], now=NOW)
    report = check(bench.path)
    assert (report.ok, report.latest) == (True, "")


@pytest.mark.parametrize("tell", [story.tell, story.second])
def test_any_kind_of_entry_can_be_gone_on_from_and_to(tell: Callable[[], forge.Forge], tmp_path: Path) -> None:
    path = story.write(tmp_path / "ledger.sqlite", tell())
    whole = check(path)
    gone_on = set()
    for size in range(1, whole.size + 1):
        report = check(path, since=kept_at(path, size, whole.origin))
        assert found(report, size) == found(whole, size)
        assert (report.ok, report.anchored, report.root_hex) == (True, True, whole.root_hex)
        gone_on |= {report.since} - {None}
    # Not from below the entry that enrols the ledger key, nor where the story's key-revoke 27 reaches back, to 11.
    reached = range(12, 28) if tell is story.tell else ()
    assert gone_on == set(range(3, whole.size + 1)) - set(reached)


def test_what_an_older_entry_sealed_can_be_erased_and_nothing_else(bench: Bench, ledger: Ledger) -> None:
    value = seal("text", "words", bytes(32))
    draft = bench.draft("note", bench.operator, sealed={"text": value.commitment})
    ledger.append([Draft(draft.leaf, (value,)), bench.note("plain")], now=NOW)
    kept = ledger.checkpoint(bench.log, now=NOW).note.encode()
    size = ledger.size
    refused = ["ledger.erasure-target"]
    for index, fields, codes in (
        (size - 2, ["text"], ["ledger.erased-present"]),
        (size - 2, ["name"], refused),
        (size - 1, ["text"], refused),
    ):
        said = {"erases": [{"index": index, "fields": fields}], "basis": "x", "erasedAt": NOW}
        forced(bench, ledger, bench.draft("erasure", bench.operator, **said))
        report = check(bench.path, since=kept)
        assert report.since == size
        assert [f.code for f in report.findings if f.index == report.size - 1] == codes
    ledger._connection.execute("DELETE FROM sealed")
    report = check(bench.path, since=kept)
    assert [(f.code, f.index) for f in report.findings if f.index == size] == []


def test_what_was_taken_in_is_what_the_leaves_say(tmp_path: Path) -> None:
    book = forge.Forge(domain="second.example")
    story.begin(book)
    path = story.write(tmp_path / "ledger.sqlite", book)
    last = max(index for index in range(check(path).size) if kind_at(path, index) == "merge")
    kept = kept_at(path, last, book.origin)  # the merge entry counts the older merged ones
    assert check(path, since=kept).since == last
    hidden = check(tampered_copy(path, "UPDATE entry SET kind = 'note' WHERE idx = 6;"), since=kept)
    assert not hidden.ok
    added = check(tampered_copy(path, "UPDATE entry SET kind = 'merged' WHERE idx = 3;"), since=kept)
    assert (added.ok, added.since) == (False, None)


def test_a_restore_after_what_was_said_before_is_found(bench: Bench, ledger: Ledger, kept: bytes) -> None:
    other = {"origin": "ended.example/personactl/0123456789abcdef", "size": 7, "root": forge.hex64("other root")}
    forced(bench, ledger, bench.draft("restore", bench.operator, restores=other, reason="x", restoredAt=NOW))
    report = check(bench.path, since=kept)
    assert (report.since, [f.code for f in report.findings]) == (309, ["ledger.restore-late"])


def test_a_key_that_the_trust_file_revokes_makes_it_read_what_it_signed(
    bench: Bench, ledger: Ledger, kept: bytes
) -> None:
    for start, since in ((5, None), (309, 309)):
        trust = replace(bench.trust(), revoked=((bench.run.key_id, start),))
        assert check(bench.path, since=kept, trust=trust).since == since


def test_a_kept_checkpoint_of_a_key_that_was_revoked_from_before_it_fixes_nothing(
    bench: Bench, ledger: Ledger, kept: bytes
) -> None:
    said = {"kid": bench.log.key_id, "fromIndex": 309, "revokedAt": NOW}
    ledger.append([bench.draft("key-revoke", bench.root, **said)], now=NOW)
    thief = kept_at(bench.path, 310, bench.origin, bench.log)
    assert check(bench.path, since=kept).since == 309
    report = check(bench.path, since=thief)
    assert (report.since, report.anchored) == (None, False)
