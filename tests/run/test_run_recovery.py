"""What a start finds after another one died: each situation of the recovery table, made by hand."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any

import pytest
from personactl_ledger import LedgerLocked, check, parse_receipt
from personactl_ledger.ledger import Ledger
from workshop import Workshop, sha256, text

from personactl import doctor
from personactl.errors import ConflictError
from personactl.run import staging
from personactl.run.state import RunState

ONE = text("rain: in the rain")


class Died(BaseException):
    """The process is gone: nothing below catches this."""


@dataclass
class Death:
    """Replaces a method so that the process dies right before or right after its n-th call."""

    monkeypatch: pytest.MonkeyPatch

    def at(self, owner: Any, name: str, *, after: bool, call: int = 1) -> None:
        real, calls = getattr(owner, name), []

        def dying(*arguments: Any, **keywords: Any) -> Any:
            calls.append(1)
            if len(calls) != call:
                return real(*arguments, **keywords)
            self.monkeypatch.setattr(owner, name, real)
            if after:
                real(*arguments, **keywords)
            raise Died

        self.monkeypatch.setattr(owner, name, dying)


@pytest.fixture
def death(monkeypatch: pytest.MonkeyPatch) -> Death:
    return Death(monkeypatch)


def die(shop: Workshop, source: str = ONE) -> str:
    run_id = shop.plan(source).run_id
    with pytest.raises(Died):
        shop.run(source)
    return run_id


def whole(shop: Workshop, run_id: str, *names: str) -> None:
    assert shop.visible(run_id) == sorted(names)
    outputs = {stored.entry.subject_sha256 for stored in shop.ledger(kind="output")}
    for name in names:
        path = shop.out(run_id) / name
        assert sha256(path) in outputs
        assert path.with_name(name + ".receipt").is_file()
    assert list((shop.folder / ".personactl/staging").iterdir()) == []
    assert set(shop.pixels(run_id)) == set(names)
    assert check(shop.config.ledger_path).ok


def test_entry_and_visible_file_mean_done(shop: Workshop, death: Death) -> None:
    death.at(staging.Staging, "publish", after=True)
    run_id = die(shop)
    assert shop.visible(run_id) == ["rain-0.png"]
    summary = shop.run(ONE)
    assert (summary.done, summary.skipped, summary.recovered, summary.voided) == (0, 1, 0, 0)
    whole(shop, run_id, "rain-0.png")


def test_entry_and_staged_file_are_published(shop: Workshop, death: Death) -> None:
    death.at(staging.Staging, "publish", after=False)
    run_id = die(shop)
    assert shop.visible(run_id) == []
    summary = shop.run(ONE)
    assert (summary.done, summary.skipped, summary.recovered) == (0, 1, 1)
    assert shop.backend is None
    whole(shop, run_id, "rain-0.png")


def test_entry_and_staged_file_are_published_even_when_the_state_is_lost(shop: Workshop, death: Death) -> None:
    death.at(staging.Staging, "publish", after=False)
    run_id = die(shop)
    (shop.folder / ".personactl/run.sqlite").unlink()
    assert shop.run(ONE).recovered == 1
    whole(shop, run_id, "rain-0.png")


def test_entry_and_neither_file_is_voided_and_made_again(shop: Workshop, death: Death) -> None:
    death.at(staging.Staging, "publish", after=False)
    run_id = die(shop)
    for path in (shop.folder / ".personactl/staging").iterdir():
        path.unlink()
    summary = shop.run(ONE)
    assert (summary.done, summary.voided, summary.exit_code) == (1, 1, 0)
    assert shop.kinds()[-5:] == ["output", "run-open", "void", "output", "run-close"]
    whole(shop, run_id, "rain-0.png")


def test_a_staged_file_with_other_bytes_counts_as_lost(shop: Workshop, death: Death) -> None:
    death.at(staging.Staging, "publish", after=False)
    run_id = die(shop)
    (staged,) = (shop.folder / ".personactl/staging").iterdir()
    staged.write_bytes(b"half a pic")
    assert shop.run(ONE).voided == 1
    whole(shop, run_id, "rain-0.png")


def test_a_lost_output_of_another_run_is_voided_in_the_name_of_that_run(shop: Workshop, death: Death) -> None:
    death.at(staging.Staging, "publish", after=False)
    first = die(shop)
    for path in (shop.folder / ".personactl/staging").iterdir():
        path.unlink()
    summary = shop.run(text("rain: in the rain", "park: in a park"))
    assert summary.run_id != first
    assert (summary.done, summary.taken_over, summary.voided) == (2, 0, 1)
    void = shop.ledger(kind="void")[0].entry.predicate
    assert void["run"] == first
    whole(shop, summary.run_id, "park-0.png", "rain-0.png")


def test_a_staged_output_of_another_run_is_published_there(shop: Workshop, death: Death) -> None:
    death.at(staging.Staging, "publish", after=False)
    first = die(shop)
    summary = shop.run(text("rain: in the rain", "park: in a park"))
    assert (summary.done, summary.taken_over, summary.recovered) == (1, 1, 1)
    assert shop.visible(first) == ["rain-0.png"]
    assert (shop.out(first) / "rain-0.png.receipt").is_file()


def test_a_staged_file_without_entry_is_removed_and_made_again(shop: Workshop, death: Death) -> None:
    death.at(staging.Staging, "stage", after=True)
    run_id = die(shop)
    (staged,) = (shop.folder / ".personactl/staging").iterdir()
    assert shop.ledger(kind="output") == []
    summary = shop.run(ONE)
    assert (summary.done, summary.recovered, summary.voided) == (1, 0, 0)
    assert shop.ledger(kind="output")[0].entry.predicate["entryId"] != staged.name
    whole(shop, run_id, "rain-0.png")


def test_a_bare_intent_is_dropped(shop: Workshop, death: Death) -> None:
    death.at(RunState, "open_intent", after=True)
    run_id = die(shop)
    assert shop.run(ONE).done == 1
    state = RunState.open_reader(shop.folder)
    assert state is not None
    assert state.open_intents() == ()
    state.close()
    whole(shop, run_id, "rain-0.png")


def test_a_rejected_attempt_on_record_is_not_made_again(shop: Workshop, death: Death) -> None:
    source = text("rain: in the rain", threshold="1.0", attempts=2)
    death.at(RunState, "close_rejected", after=False)
    die(shop, source)
    summary = shop.run(source)
    assert shop.backend is not None
    assert shop.backend.made == [("rain-0.png", 1)]
    assert (summary.rejected, len(shop.ledger(kind="reject"))) == (1, 2)


@pytest.mark.parametrize("after", [False, True], ids=["failed", "failed-but-persisted"])
@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_death_at_any_append_leaves_nothing_twice(shop: Workshop, death: Death, call: int, after: bool) -> None:
    source = text("rain: in the rain", "park: in a park")
    death.at(Ledger, "append", after=after, call=call)
    run_id = die(shop, source)
    summary = shop.run(source)
    assert summary.planned == summary.done + summary.skipped == 2
    whole(shop, run_id, "park-0.png", "rain-0.png")
    size = len(shop.ledger())
    assert shop.run(source).skipped == 2
    assert (shop.kinds()[-1], len(shop.ledger())) == ("run-close", size)


@pytest.mark.parametrize("method", ["checkpoint", "prove"])
def test_receipts_are_written_by_the_next_start(shop: Workshop, death: Death, method: str) -> None:
    death.at(Ledger, method, after=False)
    run_id = die(shop)
    assert shop.run(ONE).skipped == 1
    whole(shop, run_id, "rain-0.png")


def test_a_stranger_in_the_folder_goes_to_quarantine_and_the_run_exits_4(shop: Workshop) -> None:
    first = shop.run(ONE)
    (shop.out(first.run_id) / "stranger.png").write_bytes(b"not ours")
    (shop.out(first.run_id) / "notes.txt").write_text("mine")
    summary = shop.run(ONE)
    assert [finding.code for finding in summary.findings] == ["integrity.no-entry"]
    assert summary.exit_code == 4
    assert shop.visible(first.run_id) == ["rain-0.png"]
    assert (shop.out(first.run_id) / "notes.txt").is_file()
    (kept,) = (shop.folder / ".personactl/quarantine").rglob("stranger.png")
    assert kept.read_bytes() == b"not ours"
    assert shop.run(ONE).exit_code == 0


def test_an_altered_file_goes_to_quarantine_and_its_entry_stands(shop: Workshop) -> None:
    first = shop.run(ONE)
    path = shop.out(first.run_id) / "rain-0.png"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    summary = shop.run(ONE)
    assert [finding.code for finding in summary.findings] == ["integrity.no-entry", "run.file-missing"]
    assert (summary.done, summary.skipped, summary.exit_code) == (0, 1, 4)
    assert shop.ledger(kind="void") == []


def test_a_delivered_and_removed_file_is_not_made_again(shop: Workshop) -> None:
    first = shop.run(ONE)
    (shop.out(first.run_id) / "rain-0.png").unlink()
    summary = shop.run(ONE)
    assert [finding.code for finding in summary.findings] == ["run.file-missing"]
    assert (summary.done, summary.skipped, summary.exit_code) == (0, 1, 0)


def test_a_second_process_is_told_that_the_ledger_is_locked(shop: Workshop) -> None:
    with Ledger.open_writer(shop.config.ledger_path), pytest.raises(LedgerLocked) as caught:
        shop.run(ONE)
    assert caught.value.exit_code == 75


def test_a_rolled_back_ledger_is_refused_and_nothing_is_written(shop: Workshop) -> None:
    copy = shop.config.ledger_path.read_bytes()
    shop.run(ONE)
    size = len(shop.ledger())
    shop.config.ledger_path.write_bytes(copy)
    for _ in range(2):
        with pytest.raises(ConflictError) as caught:
            shop.run(text("park: in a park"))
        assert (caught.value.code, caught.value.exit_code) == ("conflict.ledger-moved", 10)
        assert f"there were {size}" in caught.value.message
        assert shop.config.ledger_path.read_bytes() == copy
    (found,) = [item for item in doctor.examine(shop.folder, {}) if item.name == "ledger"]
    assert (found.state, found.exit_code) == ("error", 10)


def test_a_fork_of_the_same_length_is_refused(shop: Workshop) -> None:
    copy = shop.config.ledger_path.read_bytes()
    shop.run(ONE)
    size = len(shop.ledger())
    shutil.copy(shop.folder / ".personactl/ledgers.json", shop.folder / "kept")
    shutil.rmtree(shop.folder / "out")
    shop.config.ledger_path.write_bytes(copy)
    (shop.folder / ".personactl/ledgers.json").unlink()
    shop.run(text("park: in a park"))
    assert len(shop.ledger()) == size
    shutil.copy(shop.folder / "kept", shop.folder / ".personactl/ledgers.json")
    with pytest.raises(ConflictError) as caught:
        shop.run(ONE)
    assert caught.value.code == "conflict.ledger-moved"
    assert f"another entry {size - 1}" in caught.value.message


def test_a_ledger_of_another_origin_is_not_offered_a_freeze(shop: Workshop) -> None:
    shop.config.ledger_path.unlink()
    shop.new_ledger()
    with pytest.raises(ConflictError) as caught:
        shop.run(ONE)
    assert (caught.value.code, caught.value.exit_code) == ("conflict.other-ledger", 10)
    assert "persona freeze" not in (caught.value.hint or "")


def test_a_name_taken_before_the_first_start_is_not_moved(shop: Workshop) -> None:
    run_id = shop.plan(ONE).run_id
    mine = shop.out(run_id) / "rain-0.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    size = len(shop.ledger())
    with pytest.raises(ConflictError) as caught:
        shop.run(ONE)
    assert (caught.value.code, caught.value.exit_code) == ("conflict.name-taken", 10)
    assert caught.value.where == f"out/{run_id}/rain-0.png"
    assert (mine.read_bytes(), len(shop.ledger())) == (b"mine", size)


@pytest.mark.parametrize("damage", ["{}", "", "of another picture", None])
def test_a_receipt_that_does_not_prove_its_picture_is_written_again(shop: Workshop, damage: str | None) -> None:
    source = text("rain*2: in the rain")
    run_id = shop.run(source).run_id
    receipt = shop.out(run_id) / "rain-0.png.receipt"
    good, size = receipt.read_bytes(), len(shop.ledger())
    if damage is None:
        receipt.unlink()
    elif damage == "of another picture":
        shutil.copy(shop.out(run_id) / "rain-1.png.receipt", receipt)
    else:
        receipt.write_text(damage)
    other = (shop.out(run_id) / "rain-1.png.receipt").stat().st_ino
    assert shop.run(source).exit_code == 0
    assert parse_receipt(receipt.read_bytes()).leaf == parse_receipt(good).leaf
    assert (shop.out(run_id) / "rain-1.png.receipt").stat().st_ino == other
    assert len(shop.ledger()) == size
