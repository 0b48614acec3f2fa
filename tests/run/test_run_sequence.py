"""The main road of a run, and running it again."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator

import pytest
from personactl_ledger import LedgerLocked, check
from workshop import Workshop, sha256, text

from personactl.errors import ConflictError, PersonaError

THREE = text("rain*2: in the rain", "park: in a park")


def test_every_picture_is_visible_on_record_and_has_a_receipt(shop: Workshop) -> None:
    summary = shop.run(THREE)
    assert (summary.planned, summary.done, summary.skipped, summary.exit_code) == (3, 3, 0, 0)
    assert shop.visible(summary.run_id) == ["park-0.png", "rain-0.png", "rain-1.png"]
    outputs = {stored.entry.subject_name: stored for stored in shop.ledger(kind="output")}
    for name in shop.visible(summary.run_id):
        path = shop.out(summary.run_id) / name
        assert outputs[name].entry.subject_sha256 == sha256(path)
        receipt = json.loads(path.with_name(name + ".receipt").read_bytes())
        assert receipt["schema"] == "personactl.receipt/1"
    assert shop.backend is not None
    assert shop.backend.closed
    assert check(shop.config.ledger_path).ok


def test_the_run_stands_between_run_open_and_run_close(shop: Workshop) -> None:
    before = len(shop.ledger())
    summary = shop.run(THREE)
    assert shop.kinds(before) == ["run-open", "output", "output", "output", "run-close"]
    opened, closed = shop.ledger()[before], shop.ledger()[-1]
    assert opened.entry.predicate["started"] == 1
    said = closed.entry.predicate
    assert [said[name] for name in ("planned", "done", "failed", "rejected", "skipped")] == [3, 3, 0, 0, 0]
    assert (said["firstIndex"], said["lastIndex"], said["outputs"]) == (before, before + 3, 3)
    assert (summary.first_index, summary.last_index, summary.checkpoint) == (before, before + 4, before + 5)


def test_running_again_changes_nothing(shop: Workshop) -> None:
    first = shop.run(THREE)
    ledger = shop.config.ledger_path.read_bytes()
    files = {path: path.stat().st_mtime_ns for path in shop.out(first.run_id).iterdir()}
    again = shop.run(THREE)
    assert (again.done, again.skipped, again.taken_over, again.left, again.exit_code) == (0, 3, 0, 0, 0)
    assert {outcome.state for outcome in again.outcomes} == {"standing"}
    assert shop.backend is None, "the model is not loaded when nothing is left to do"
    assert shop.config.ledger_path.read_bytes() == ledger
    assert {path: path.stat().st_mtime_ns for path in shop.out(first.run_id).iterdir()} == files


def test_an_edited_manifest_takes_over_what_did_not_change(shop: Workshop) -> None:
    first = shop.run(text("rain: in the rain", "park: in a park"))
    second = shop.run(text("rain: in the rain", "park: in a park at night"))
    assert second.run_id != first.run_id
    assert (second.done, second.skipped, second.taken_over) == (1, 1, 1)
    taken = next(outcome for outcome in second.outcomes if outcome.state == "taken-over")
    assert taken.where == f"out/{first.run_id}/rain-0.png"
    assert (shop.folder / taken.where).is_file()
    assert shop.visible(second.run_id) == ["park-0.png"]
    assert [entry.entry.predicate["takenOver"] for entry in shop.ledger(kind="run-close")] == [0, 1]


def test_an_altered_file_of_another_run_is_not_taken_over_as_good(shop: Workshop) -> None:
    first = shop.run(text("rain: in the rain", "park: in a park"))
    picture, receipt = (shop.out(first.run_id) / f"rain-0.png{suffix}" for suffix in ("", ".receipt"))
    picture.write_bytes(picture.read_bytes()[:-1] + b"x")
    receipt.unlink()
    second = shop.run(text("rain: in the rain", "park: in a park at night"))
    taken = next(outcome for outcome in second.outcomes if outcome.state == "taken-over")
    assert (taken.where, second.taken_over, second.exit_code) == ("", 1, 4)
    (finding,) = second.findings
    assert (finding.code, finding.severity) == ("integrity.altered", "error")
    assert f"out/{first.run_id}/rain-0.png" in finding.message
    assert not receipt.exists(), "no receipt is put beside a file that it does not prove"


def test_a_missing_file_of_another_run_is_taken_over_by_reference(shop: Workshop) -> None:
    first = shop.run(text("rain: in the rain"))
    (shop.out(first.run_id) / "rain-0.png").unlink()
    second = shop.run(text("rain: in the rain", "park: in a park"))
    assert (second.taken_over, second.exit_code) == (1, 0)
    assert [finding.code for finding in second.findings] == ["run.file-missing"]


def test_an_output_entry_says_everything_and_keeps_prompts_sealed(shop: Workshop) -> None:
    summary = shop.run(text("rain: a very private prompt"))
    stored = shop.ledger(kind="output")[0]
    said = stored.entry.predicate
    assert set(said) == {
        "origin", "run", "entryId", "shotKey", "jobKey", "shot", "index", "attempt", "attempts", "seed", "persona",
        "model", "references", "parameters", "identity", "disclosure", "file", "iscc", "policies", "environment",
        "pixelsSha256", "sealed", "generatedAt",
    }  # fmt: skip
    assert set(said["identity"]) == {
        "verdict", "score", "threshold", "thresholdSource", "calibrationId", "recogniserSha256", "detectorSha256",
        "conditionerSha256", "facesFound", "detectorScore", "facePx", "far", "farUpper95",
    }  # fmt: skip
    assert set(said["model"]) == {"name", "family", "license", "licenseSha256", "lockSha256", "files"}
    assert said["disclosure"]["label"] == {
        "setting": "auto", "decision": "none", "reason": "no policy asks for a visible label",
    }  # fmt: skip
    assert said["disclosure"]["watermark"]["payload"] == said["entryId"][:16]
    assert said["file"]["size"] == (shop.out(summary.run_id) / "rain-0.png").stat().st_size
    assert b"private prompt" not in stored.entry.leaf
    for name in (".personactl/run.sqlite", f"out/{summary.run_id}/rain-0.png.receipt"):
        assert b"private prompt" not in (shop.folder / name).read_bytes()


def test_an_unfrozen_persona_is_refused(shop: Workshop) -> None:
    plan = shop.plan(THREE)
    shop.persona = shop.thawed()
    with pytest.raises(PersonaError) as caught:
        shop.run(plan)
    assert caught.value.code == "persona.not-frozen"
    assert shop.ledger(kind="run-open") == []


def test_a_marker_without_an_entry_in_this_ledger_proves_nothing(shop: Workshop) -> None:
    shop.config.ledger_path.unlink()
    shop.new_ledger()
    with pytest.raises(ConflictError) as caught:
        shop.run(THREE)
    assert caught.value.code == "conflict.other-ledger"
    (shop.folder / ".personactl/ledgers.json").unlink()
    with pytest.raises(ConflictError) as marked:
        shop.run(THREE)
    assert marked.value.code == "conflict.other-ledger"
    (shop.folder / "personas/lira/1/frozen.json").unlink()
    with pytest.raises(PersonaError) as unfrozen:
        shop.run(THREE)
    assert (unfrozen.value.code, unfrozen.value.hint) == ("persona.not-frozen", "personactl persona freeze lira@1")


def test_a_plan_for_another_record_is_stale(shop: Workshop) -> None:
    plan = shop.plan(THREE)
    shop.persona = type(shop.persona)(
        **{name: getattr(shop.persona, name) for name in shop.persona.__slots__} | {"record_sha256": "ee" * 32}
    )
    with pytest.raises(ConflictError) as caught:
        shop.run(plan)
    assert (caught.value.code, caught.value.exit_code) == ("plan.stale", 10)


def test_a_run_open_says_under_which_declarations_and_with_which_networks(shop: Workshop) -> None:
    shop.run(text("rain: in the rain"))
    (opened,) = shop.ledger(kind="run-open")
    said = opened.entry.predicate
    assert said["campaign"] == {"id": "spring", "role": "both", "commercial": False}
    assert (said["model"]["license"], said["model"]["licenseSha256"]) == ("Apache-2.0", "11" * 32)
    assert (said["scorer"]["name"], said["scorer"]["recogniserSha256"]) == ("middle", "cc" * 32)


@pytest.fixture
def watched(shop: Workshop) -> Iterator[int]:
    """A descriptor that holds the lock as `status` does for an instant."""
    path = shop.config.ledger_path
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    yield descriptor
    os.close(descriptor)


def test_a_start_waits_an_instant_for_somebody_who_only_looked(
    shop: Workshop, watched: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personactl_ledger.lock.sleep", lambda _: fcntl.flock(watched, fcntl.LOCK_UN))
    assert shop.run(text("rain: in the rain")).done == 1


def test_a_start_does_not_wait_long(shop: Workshop, watched: int, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("personactl_ledger.lock.sleep", waited.append)
    with pytest.raises(LedgerLocked):
        shop.run(text("rain: in the rain"))
    assert 0.1 <= sum(waited) <= 0.3
