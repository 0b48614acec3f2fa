"""A project whose ledger was restored: the next run goes on after a lawful restore, and refuses a silent one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from personactl_ledger import Ledger, LedgerConflict, check
from personactl_ledger.backup import backup
from personactl_ledger.lock import WriterLock
from personactl_ledger.restore import Restored
from workshop import NOW, Workshop, text

from personactl import casting, continuity, persona
from personactl.errors import ConflictError, KeyProblem, UsageProblem
from personactl.keys import create_development, export_trust, layout, load, project_trust, trust_store
from personactl.run.restoring import restore_ledger

ONE, TWO = text("rain: in the rain"), text("park: in a park", campaign="summer")


def restored(
    shop: Workshop, copy: Path, *, replay: tuple[bytes, ...] = (), target: Path | None = None,
    reason: str = "the disk failed",
) -> Restored:  # fmt: skip
    path = target or shop.config.ledger_path
    keyset = load(shop.config.keys_path)
    return restore_ledger(shop.config, keyset, copy, path, anchors=(), replay=replay, reason=reason, now=NOW).ledger


def damage(path: Path) -> None:
    """The file can be opened as a database, and is no ledger that passes a check."""
    connection = sqlite3.connect(path)
    connection.execute("DROP VIEW v_note")
    connection.commit()
    connection.close()


@pytest.fixture
def copy(shop: Workshop) -> Path:
    """A backup from before the last run."""
    shop.run(ONE)
    backup(shop.config.ledger_path, shop.folder / "backup.sqlite")
    shop.run(TWO)
    return shop.folder / "backup.sqlite"


@pytest.fixture
def lost(shop: Workshop, copy: Path) -> Path:
    """The same backup; the ledger is damaged."""
    damage(shop.config.ledger_path)
    return copy


def test_a_silent_restore_is_refused_and_a_lawful_one_works(shop: Workshop, copy: Path) -> None:
    shutil.copy(copy, shop.config.ledger_path)
    with pytest.raises(ConflictError) as caught:
        shop.run(ONE)
    assert caught.value.code == "conflict.ledger-moved"
    done = restored(shop, copy)
    assert done.ended is not None
    assert shop.ledger()[3].entry.kind == "restore"
    summary = shop.run(text("sea: at the sea", campaign="autumn"))
    assert (summary.done, summary.exit_code) == (1, 0)
    assert shop.visible(summary.run_id) == ["sea-0.png"]
    assert check(shop.config.ledger_path).ok


def test_the_frozen_personas_follow_into_the_new_ledger(shop: Workshop, lost: Path) -> None:
    done = restored(shop, lost)
    marker = persona.marker(shop.folder, shop.persona)
    assert marker is not None
    assert (marker.origin, marker.entry_index) == (done.origin, done.personas[0].index)
    again = casting.freeze(shop.config, shop.keyset, shop.persona, now=NOW)
    assert again.already


def test_pictures_of_the_ledger_that_ended_are_never_touched(shop: Workshop, copy: Path) -> None:
    folder = shop.out(shop.ledger(kind="output")[0].entry.predicate["run"])
    picture = (folder / "rain-0.png").read_bytes()
    damage(shop.config.ledger_path)
    restored(shop, copy)
    with pytest.raises(ConflictError) as caught:
        shop.run(ONE)
    assert caught.value.code == "conflict.name-taken"
    assert (folder / "rain-0.png").read_bytes() == picture
    folder.rename(folder.with_name("before the restore"))
    assert shop.run(ONE).done == 1


def test_with_the_missing_leaves_the_next_run_takes_over_what_was_made(shop: Workshop, copy: Path) -> None:
    leaves = tuple(item.entry.leaf for item in shop.ledger())
    shop.config.ledger_path.unlink()
    done = restored(shop, copy, replay=leaves)
    assert (done.ended, done.size) == (None, len(leaves))
    assert shop.run(TWO).done == 0
    assert len(shop.ledger()) == len(leaves)


def test_where_nothing_was_lost_the_project_goes_on(shop: Workshop) -> None:
    shop.run(ONE)
    made = backup(shop.config.ledger_path, shop.folder / "backup.sqlite")
    shop.config.ledger_path.write_bytes(b"damaged beyond repair")
    done = restored(shop, made.path)
    assert (done.ended, done.size) == (None, made.size)
    assert shop.run(ONE).done == 0
    assert shop.run(TWO).done == 1


def test_what_only_the_project_remembers_begins_a_new_ledger(shop: Workshop, copy: Path) -> None:
    size = len(shop.ledger())
    shop.config.ledger_path.unlink()
    done = restored(shop, copy)
    assert done.ended is not None
    assert (done.known.remembered, done.known.files) == (size, ())


def test_a_second_restore_knows_what_the_first_one_ended(shop: Workshop, lost: Path) -> None:
    """The memory of a ledger that ended stays, and only backups of the one that goes on are taken."""
    ended = restored(shop, lost).ended
    for _ in range(2):
        with pytest.raises(ConflictError) as caught:
            restored(shop, lost)
        assert (caught.value.code, caught.value.exit_code) == ("conflict.other-ledger", 10)
        assert str(ended) in caught.value.message
        assert "the restore was done already: entry 3 of the ledger here" in (caught.value.hint or "")
        (shop.folder / ".personactl/run.sqlite").unlink(missing_ok=True)


def test_a_restore_that_is_cut_off_before_the_project_follows_is_run_again(
    shop: Workshop, lost: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(continuity, "begin", cut_off)
    with pytest.raises(KeyboardInterrupt):
        restored(shop, lost)
    monkeypatch.undo()
    with pytest.raises(ConflictError) as caught:
        shop.run(text("sea: at the sea", campaign="autumn"))
    assert caught.value.code == "conflict.other-ledger"
    assert restored(shop, lost).ended is not None
    assert shop.run(text("sea: at the sea", campaign="autumn")).done == 1


def test_the_files_beside_it_are_remembered_when_the_project_forgot(shop: Workshop, copy: Path) -> None:
    shop.config.ledger_path.rename(shop.folder / "ledger.before-restore-20260101T000000Z.sqlite")
    (shop.folder / ".personactl/ledgers.json").unlink()
    assert restored(shop, copy).ended is not None


def test_the_trust_file_of_the_ledger_that_ended_is_kept_and_a_new_one_written(shop: Workshop, lost: Path) -> None:
    path, keyset = shop.config.trust_path, load(shop.config.keys_path)
    with Ledger.open_reader(lost) as book:
        origin = book.origin
        data = export_trust(keyset, name="Brand", origin=origin, detector="https://d.example", now=NOW)
    by_hand = json.loads(data) | {"x": 1, "revoked": [{"kid": keyset.log.key_id, "fromIndex": 999}]}
    path.write_text(json.dumps(by_hand))
    before = path.read_bytes()
    done = restore_ledger(
        shop.config, keyset, lost, shop.config.ledger_path, anchors=(), replay=(), reason="x", now=NOW
    )
    aside = path.with_name(f"trust.ended-{origin[-16:]}.json")
    assert done.trust is not None
    assert (done.trust.path, done.trust.aside) == (path, aside)
    assert aside.read_bytes() == before
    said = json.loads(path.read_bytes())
    assert (said["origin"], said["name"], said["x"], "revoked" in said) == (done.ledger.origin, "Brand", 1, False)
    assert check(shop.config.ledger_path, trust=trust_store.read(path).ledger).exit_code == 0


def test_it_is_kept_once_when_the_restore_was_cut_off(
    shop: Workshop, lost: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, keyset = shop.config.trust_path, load(shop.config.keys_path)
    with Ledger.open_reader(lost) as book:
        path.write_bytes(export_trust(keyset, name="Brand", origin=book.origin, detector="", now=NOW))
    before = path.read_bytes()
    for step in ("write", "begin"):

        def cut_off(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(project_trust if step == "write" else continuity, step, cut_off)
        with pytest.raises(KeyboardInterrupt):
            restored(shop, lost)
        monkeypatch.undo()
    done = restored(shop, lost)
    kept = [item for item in shop.folder.glob("trust.ended-*.json") if item.read_bytes() == before]
    assert len(kept) == 1
    assert trust_store.read(path).origin == done.origin


def test_a_trust_file_of_somebody_else_stays_where_it_is(shop: Workshop, lost: Path, tmp_path: Path) -> None:
    create_development(tmp_path / "keys", organisation="Other", domain="example.org", now=NOW)
    other = "other.example/personactl/0123456789abcdef"
    shop.config.trust_path.write_bytes(
        export_trust(load(tmp_path / "keys"), name="Other", origin=other, detector="", now=NOW)
    )
    assert restored(shop, lost).ended is not None
    assert trust_store.read(shop.config.trust_path).origin == other


def test_the_ledger_of_another_project_is_refused(shop: Workshop, copy: Path, tmp_path: Path) -> None:
    other = Workshop.copy(shop.folder, tmp_path / "other")
    shutil.rmtree(other.config.keys_path)
    create_development(other.config.keys_path, organisation="Other", domain="example.org", now=NOW)
    strangers = load(other.config.keys_path)
    with Ledger.create(
        tmp_path / "other.sqlite", domain="example.org", development=True, root=strangers.root,
        operator_public=strangers.operator.public_key, log=strangers.log, now=NOW,
    ) as ledger:  # fmt: skip
        ledger.checkpoint(strangers.log, now=NOW)
    before = shop.config.ledger_path.read_bytes()
    for forgets in (False, True):
        if forgets:
            (shop.folder / ".personactl/ledgers.json").unlink()
            shop.config.ledger_path.unlink()
        with pytest.raises((ConflictError, LedgerConflict)) as caught:
            restored(shop, tmp_path / "other.sqlite")
        assert (caught.value.code, caught.value.exit_code) == ("conflict.other-ledger", 10)
        assert forgets or shop.config.ledger_path.read_bytes() == before
    assert not shop.config.ledger_path.exists()


def test_a_whole_and_longer_ledger_is_left_alone(shop: Workshop, copy: Path) -> None:
    before = shop.config.ledger_path.read_bytes()
    with pytest.raises(LedgerConflict) as caught:
        restored(shop, copy)
    assert caught.value.code == "ledger.restore-needless"
    assert shop.config.ledger_path.read_bytes() == before
    assert shop.run(ONE).done == 0


@pytest.mark.parametrize("reason", ["", " \t"])
def test_a_restore_without_a_reason_is_refused(reason: str, shop: Workshop, lost: Path) -> None:
    with pytest.raises(UsageProblem, match="reason"):
        restored(shop, lost, reason=reason)


def test_the_ledger_is_no_backup_of_itself(shop: Workshop, copy: Path) -> None:
    (shop.folder / "alias.sqlite").symlink_to(shop.config.ledger_path)
    for name in ("ledger.sqlite", "alias.sqlite"):
        with pytest.raises(UsageProblem, match="is the ledger itself"):
            restored(shop, shop.folder / name)


def test_another_place_leaves_the_project_alone(shop: Workshop, copy: Path, tmp_path: Path) -> None:
    size = len(shop.ledger())
    done = restored(shop, copy, target=tmp_path / "elsewhere.sqlite")
    assert done.ended is None
    assert len(shop.ledger()) == size
    assert shop.run(TWO).done == 0


def test_without_the_root_key_nothing_is_replaced(shop: Workshop, lost: Path) -> None:
    copy = lost
    before = shop.config.ledger_path.read_bytes()
    (shop.config.keys_path / layout.ROOT_KEY).rename(shop.folder / "root.pem")
    with pytest.raises(KeyProblem) as caught:
        restored(shop, copy)
    assert caught.value.code == "keys.root-offline"
    assert shop.config.ledger_path.read_bytes() == before
    assert [path.name for path in shop.folder.glob("ledger*")] == ["ledger.sqlite", "ledger.sqlite.lock"]
    WriterLock(shop.config.ledger_path, 0).release()
