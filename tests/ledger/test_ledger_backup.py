"""Backups of a ledger in use, and what becomes of a ledger that is restored from one."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import Draft, FormatError, Ledger, LedgerConflict, LedgerCorrupt, LedgerError, check, seal
from personactl_ledger.backup import backup
from personactl_ledger.brought import exact_leaves
from personactl_ledger.merkle import leaf_hash
from personactl_ledger.restore import Restored, RestoreKeys, Seen, restore

LATER = "2026-02-03T04:05:06Z"


def keys(bench: Bench) -> RestoreKeys:
    return RestoreKeys(root=lambda: bench.root, operator=bench.operator, log=bench.log)


def again(bench: Bench, copy: Path, **more: object) -> Restored:
    return restore(copy, bench.path, reason="the disk failed", keys=keys(bench), now=LATER, **more)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def leaves(path: Path) -> list[bytes]:
    with Ledger.open_reader(path) as book:
        return [item.entry.leaf for item in book.entries()]


def damage(path: Path) -> None:
    """One derived column is wrong: the leaves can still be read, and a check fails."""
    connection = sqlite3.connect(path)
    connection.executescript(forge.tamper("UPDATE entry SET subject_name = 'y' WHERE idx = 1;"))
    connection.close()


@pytest.fixture
def copy(bench: Bench, ledger: Ledger, tmp_path: Path) -> Path:
    """A backup after four entries with a checkpoint; the ledger itself went on to seven with another, and is closed."""
    ledger.checkpoint(bench.log, now=NOW)
    backup(bench.path, tmp_path / "backup.sqlite")
    ledger.append([bench.output("rain"), bench.output("snow"), bench.note("more")], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    return tmp_path / "backup.sqlite"


# --- backup ---


def test_a_backup_of_a_ledger_in_use_checks_and_says_what_it_is(
    bench: Bench, ledger: Ledger, tmp_path: Path, verifier: ModuleType
) -> None:
    value = seal("prompt", "in the rain")
    draft = bench.output("rain", sealed={"prompt": value.commitment})
    ledger.append([Draft(draft.leaf, (value,))], now=NOW)
    head = ledger.checkpoint(bench.log, now=NOW)
    ledger.append([bench.note("after")], now=NOW)
    made = backup(bench.path, tmp_path / "copy.sqlite")
    assert (made.size, made.origin, made.sealed, made.checkpoint) == (6, bench.origin, 1, head)
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert made.file_bytes == made.path.stat().st_size
    assert made.path.stat().st_mode & 0o077 == 0
    assert leaves(made.path) == leaves(bench.path)
    assert check(made.path, anchors=[head.note.encode()]).exit_code == 0
    assert verifier.main(["ledger", str(made.path)]) == 0
    ledger.append([bench.note("the writer goes on")], now=NOW)
    expected = ["copy.sqlite", "ledger.sqlite", "ledger.sqlite-journal", "ledger.sqlite.lock"]
    assert names(tmp_path) == expected


def test_backups_are_made_while_another_process_appends(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    ledger.close()
    script = (
        "import sys; sys.path.insert(0, sys.argv[3])\nfrom ledger_bench import *\nimport os\n"
        "bench = Bench(None, *map(forge.signer, ('root', 'operator', 'run')), forge.log_signer(), sys.argv[2])\n"
        "with Ledger.open_writer(sys.argv[1]) as book:\n"
        "    number = 0\n"
        "    while not os.path.exists(sys.argv[1] + '.stop'):\n"
        "        book.append([bench.output(f'{number}-{k}') for k in range(5)], now=NOW)\n"
        "        book.checkpoint(bench.log, now=NOW)\n"
        "        number += 1\n"
        "        if number == 3: print('going', flush=True)\n"
    )
    arguments = [str(bench.path), bench.origin, str(Path(__file__).parent)]
    with subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "going\n"
        made = [backup(bench.path, tmp_path / f"copy-{number}.sqlite") for number in range(4)]
        (tmp_path / "ledger.sqlite.stop").touch()
    assert writer.returncode == 0
    assert [item.size for item in made] == sorted(item.size for item in made)
    assert made[-1].size > made[0].size
    last = leaves(bench.path)
    for item in made:
        assert leaves(item.path) == last[: item.size]
        assert check(item.path).ok


def test_the_check_of_a_backup_tells_how_far_it_is(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    ledger.append([bench.note(f"note {number}") for number in range(2100)], now=NOW)
    told: list[tuple[int, int]] = []
    backup(bench.path, tmp_path / "b.sqlite", progress=lambda done, total: told.append((done, total)))
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] == (ledger.size, ledger.size)


def test_a_backup_without_sealed_values_holds_none_of_their_bytes(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    values = [seal("prompt", f"words of prompt {n} " * (n + 1)) for n in range(60)]
    for n, value in enumerate(values):
        draft = bench.output(str(n), sealed={"prompt": value.commitment})
        ledger.append([Draft(draft.leaf, (value,))], now=NOW)
    made = backup(bench.path, tmp_path / "copy.sqlite", without_sealed=True)
    data = made.path.read_bytes()
    assert made.sealed == 0
    assert not any(value.salt[:8] in data or b"words of prompt" in data for value in values)
    assert check(made.path).ok
    assert len(ledger.unseal(4)) == 1


def test_a_backup_never_replaces_a_file(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite"
    target.write_text("mine")
    with pytest.raises(LedgerConflict) as caught:
        backup(bench.path, target)
    assert caught.value.code == "ledger.backup-exists"
    target.unlink()
    target.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LedgerConflict):
        backup(bench.path, target)
    assert not (tmp_path / "elsewhere").exists()


def test_a_broken_ledger_makes_no_backup(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    ledger.close()
    connection = sqlite3.connect(bench.path)
    connection.executescript(forge.tamper("UPDATE entry SET subject_name = 'y' WHERE idx = 3;"))
    connection.close()
    with pytest.raises(LedgerCorrupt) as caught:
        backup(bench.path, tmp_path / "copy.sqlite")
    assert caught.value.code == "ledger.backup-broken"
    assert names(tmp_path) == ["ledger.sqlite", "ledger.sqlite.lock"]


def test_a_file_system_without_links_takes_a_backup_too(
    bench: Bench, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    made = backup(bench.path, tmp_path / "copy.sqlite")
    assert check(made.path).ok
    with pytest.raises(LedgerConflict):
        backup(bench.path, tmp_path / "copy.sqlite")


# --- restore ---


def test_where_nothing_later_was_signed_the_ledger_goes_on(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    made = backup(bench.path, tmp_path / "backup.sqlite")
    ledger.close()
    bench.path.unlink()
    done = again(bench, made.path)
    assert (done.origin, done.size, done.ended, done.aside) == (bench.origin, 4, None, None)
    with Ledger.open_writer(bench.path) as book:
        book.append([bench.output("rain")], now=NOW)
        book.checkpoint(bench.log, now=NOW)
    assert check(bench.path).ok


def test_where_more_was_signed_a_new_ledger_begins_and_says_so(bench: Bench, copy: Path, verifier: ModuleType) -> None:
    lost = leaves(bench.path)
    damage(bench.path)
    done = again(bench, copy)
    assert (done.ended, done.newest, done.kept_size) == (bench.origin, 7, 4)
    assert done.origin != bench.origin
    assert done.kept is not None
    assert done.aside is not None
    assert done.kept.stat().st_mode & 0o777 == 0o444
    assert leaves(done.kept) == lost[:4]
    assert leaves(done.aside) == lost
    assert "before-restore-20260203T040506Z" in done.aside.name
    with Ledger.open_writer(bench.path) as book:
        said = book.entry(3).entry
        assert said.kind == "restore"
        root = check(done.kept).root_hex
        assert said.predicate["restores"] == {"origin": bench.origin, "size": 4, "root": root}
        assert said.predicate["reason"] == "the disk failed"
        bench.origin = book.origin
        book.append([bench.run_open(key=forge.signer("run-2"))], now=NOW)
    assert check(bench.path).ok
    assert verifier.main(["ledger", str(bench.path)]) == 0


def test_a_damaged_file_still_shows_its_checkpoints(bench: Bench, copy: Path) -> None:
    data = bytearray(bench.path.read_bytes())
    data[:100] = bytes(100)
    bench.path.write_bytes(data)
    (bench.path.parent / "ledger.sqlite-journal").write_bytes(b"half a journal")
    done = again(bench, copy)
    assert (done.ended, done.newest) == (bench.origin, 7)
    assert done.aside is not None
    assert done.aside.with_name(done.aside.name + "-journal").read_bytes() == b"half a journal"
    assert not (bench.path.parent / "ledger.sqlite-journal").exists()
    assert check(bench.path).ok


def test_an_anchor_shows_what_the_lost_file_cannot(bench: Bench, copy: Path) -> None:
    with Ledger.open_reader(bench.path) as book:
        receipt = book.prove(4)
    bench.path.unlink()
    done = again(bench, copy, anchors=[receipt])
    assert (done.ended, done.newest, done.aside) == (bench.origin, 7, None)


def test_with_the_missing_leaves_the_ledger_goes_on_where_it_was(bench: Bench, copy: Path, tmp_path: Path) -> None:
    with Ledger.open_reader(bench.path) as book:
        receipt = book.prove(4)
    export = tmp_path / "export.jsonl"
    export.write_bytes(b"".join(leaf + b"\n" for leaf in leaves(bench.path)))
    root = check(bench.path).root_hex
    bench.path.unlink()
    done = again(bench, copy, anchors=[receipt], replay=exact_leaves([export]))
    assert (done.origin, done.size, done.replayed, done.ended) == (bench.origin, 7, 3, None)
    report = check(bench.path, anchors=[receipt], trust=bench.trust())
    assert (report.exit_code, report.root_hex, report.signed_size) == (0, root, 7)


def test_leaves_that_do_not_reach_the_newest_checkpoint_are_refused(bench: Bench, copy: Path) -> None:
    before = bench.path.read_bytes()
    before_names = names(bench.path.parent)
    with pytest.raises(LedgerConflict) as caught:
        again(bench, copy, replay=leaves(bench.path)[:6])
    assert (caught.value.code, caught.value.exit_code) == ("ledger.replay-short", 10)
    assert bench.path.read_bytes() == before
    assert names(bench.path.parent) == before_names


@pytest.mark.parametrize("defect", ["order", "rubbish", "forged"])
def test_leaves_that_do_not_continue_the_backup_are_refused(defect: str, bench: Bench, copy: Path) -> None:
    brought = leaves(bench.path)
    if defect == "order":
        brought = [brought[5], brought[4], brought[6]]
        brought[0], brought[1] = bench.void("rain", 4).leaf, brought[0]
    elif defect == "rubbish":
        brought[4] = b'{"payload":"x"}'
    else:
        brought[4] = bench.draft("note", forge.signer("stranger"), text="x").leaf
    with pytest.raises(LedgerCorrupt) as caught:
        again(bench, copy, replay=brought)
    assert (caught.value.code, caught.value.exit_code) == ("ledger.replay", 4)


def test_forged_but_signed_leaves_do_not_lead_to_the_signed_root(bench: Bench, copy: Path) -> None:
    """The operator's key can sign other entries; the checkpoint that was handed out cannot be reached with them."""
    brought = leaves(bench.path)
    brought[6] = bench.note("something else").leaf
    with pytest.raises(LedgerCorrupt) as caught:
        again(bench, copy, replay=brought)
    assert caught.value.code == "ledger.fork"


def test_a_backup_of_another_history_is_refused(bench: Bench, copy: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin.sqlite"
    with Ledger.open_writer(copy) as book:
        book.append([bench.note("another")], now=NOW)
        book.append([bench.note("history"), bench.note("and"), bench.note("more")], now=NOW)
    backup(copy, twin)
    with pytest.raises(LedgerCorrupt) as caught:
        again(bench, twin)
    assert caught.value.code == "ledger.fork"


def test_an_anchor_of_another_ledger_is_refused(bench: Bench, copy: Path) -> None:
    other = forge.Forge()
    with pytest.raises(FormatError) as caught:
        again(bench, copy, anchors=[other.checkpoint().encode()])
    assert caught.value.code == "ledger.anchor"
    with pytest.raises(FormatError):
        again(bench, copy, anchors=[b"rubbish"])


def test_what_the_project_remembers_counts_as_much_as_a_checkpoint(bench: Bench, copy: Path) -> None:
    last = leaves(copy)
    bench.path.unlink()
    same = Seen(size=4, last_leaf=leaf_hash(last[3]).hex())
    assert again(bench, copy, seen=same).ended is None
    bench.path.unlink()
    assert again(bench, copy, seen=Seen(size=5, last_leaf="")).ended == bench.origin
    bench.path.unlink()
    assert again(bench, copy, seen=Seen(size=4, last_leaf="00" * 32)).ended == bench.origin


def test_personas_are_frozen_again_with_their_sealed_names(bench: Bench, ledger: Ledger, tmp_path: Path) -> None:
    name = seal("name", "Lira")
    said = {"persona": {"id": "lira", "version": 1}, "sealed": {"name": name.commitment}, "frozenAt": NOW}
    draft = bench.draft("persona-freeze", bench.operator, ("persona.json", forge.hex64("record")), **said)
    ledger.append([Draft(draft.leaf, (name,))], now=NOW)
    made = backup(bench.path, tmp_path / "backup.sqlite")
    ledger.append([bench.note("lost")], now=NOW)
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    damage(bench.path)
    done = again(bench, made.path)
    (persona,) = done.personas
    assert (persona.persona, persona.version, persona.frozen_at) == ("lira", 1, NOW)
    with Ledger.open_reader(bench.path) as book:
        entry = book.entry(persona.index).entry
        assert entry.subject_sha256 == forge.hex64("record")
        assert entry.predicate["sealed"]["name"] != name.commitment
        assert book.unseal(persona.index) == {"name": "Lira"}
    assert check(bench.path).ok


def test_a_backup_that_does_not_check_changes_nothing(bench: Bench, copy: Path) -> None:
    data = bytearray(copy.read_bytes())
    data[data.rindex(b'{"payload"') + 40] ^= 1
    copy.write_bytes(data)
    before = bench.path.read_bytes()
    with pytest.raises(LedgerError) as caught:
        again(bench, copy)
    assert caught.value.exit_code == 4
    assert bench.path.read_bytes() == before


def test_a_ledger_that_somebody_writes_to_is_not_replaced(bench: Bench, copy: Path) -> None:
    with Ledger.open_writer(bench.path), pytest.raises(LedgerError) as caught:
        again(bench, copy)
    assert caught.value.exit_code == 75


SCRIPT = """
import os, sys
sys.path.insert(0, sys.argv[3])
from ledger_bench import *
from personactl_ledger import placing, restore as r
from personactl_ledger.restore import RestoreKeys
step, left = sys.argv[4], int(sys.argv[5])
room = Path if step == "replace" else os
real = getattr(room, step)
def dying(*arguments, **named):
    global left
    done = real(*arguments, **named)
    left -= 1
    if left == 0:
        os._exit(9)
    return done
setattr(room, step, dying)
keys = RestoreKeys(root=lambda: forge.signer("root"), operator=forge.signer("operator"), log=forge.log_signer())
r.restore(sys.argv[1], sys.argv[2], reason="x", keys=keys, now="2026-02-03T04:05:06Z")
"""


@pytest.mark.parametrize(("step", "time"), [("link", 1), ("link", 2), ("fsync", 1), ("replace", 1), ("replace", 2)])
def test_a_restore_that_is_killed_loses_nothing_and_can_be_run_again(
    step: str, time: int, bench: Bench, copy: Path
) -> None:
    lost = leaves(bench.path)
    damage(bench.path)
    arguments = [str(copy), str(bench.path), str(Path(__file__).parent), step, str(time)]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], check=False, capture_output=True)
    assert done.returncode == 9, done.stderr.decode()
    found = leaves(bench.path)
    assert found == lost or found[:1] != lost[:1]  # the old one, or the new one whole
    if found == lost:
        assert again(bench, copy).ended == bench.origin
    assert check(bench.path).ok
    kept = [path for path in bench.path.parent.glob("ledger.before-restore-*.sqlite") if leaves(path) == lost]
    assert kept
    drafts = [name for name in names(bench.path.parent) if ".restoring" in name or ".beginning" in name]
    assert not [name for name in drafts if found == lost or not name.endswith(".lock")]
