"""The visible label in a run: drawn, recorded, and never left out in silence."""

from __future__ import annotations

import pytest
from workshop import Workshop, text

from personactl import run
from personactl.disclose import label, pixels, read_marks
from personactl.run import making

ALWAYS = '[output]\nlabel = "always"'
NEVER = '[output]\nlabel = "never"\nlabel_reason = "printed beside it"'
ONE = text("rain: in the rain", seed=7)
LABELLED = text("rain: in the rain", seed=7, extra=ALWAYS)


def test_a_labelled_picture_and_its_entry_say_the_same(shop: Workshop) -> None:
    summary = shop.run(LABELLED)
    data = (shop.out(summary.run_id) / "rain-0.png").read_bytes()
    said = shop.ledger(kind="output")[0].entry.predicate["disclosure"]["label"]
    assert (said["decision"], said["text"], said["reason"]) == (
        "drawn", "AI GENERATED", "the manifest asks for a visible label",
    )  # fmt: skip
    assert said == read_marks(data, anchors=()).c2pa.assertion["label"]
    box = (said["box"]["left"], said["box"]["top"], said["box"]["right"], said["box"]["bottom"])
    there = label.region(pixels.decode(data), box)
    assert (int(there.min()) < 30, int(there.max()) > 230) == (True, True)


def test_the_label_changes_the_delivery_and_not_what_is_generated(shop: Workshop) -> None:
    bare, labelled = shop.plan(ONE), shop.plan(LABELLED)
    assert bare.shots[0].shot_key == labelled.shots[0].shot_key
    shop.run(ONE)
    answer = run.why(shop.config, labelled, labelled.shots[0])
    assert "label: auto → always" in answer
    assert "label text:  → AI GENERATED" in answer
    assert shop.run(LABELLED).done == 1
    bare_entry, labelled_entry = (item.entry.predicate for item in shop.ledger(kind="output"))
    assert bare_entry["pixelsSha256"] == labelled_entry["pixelsSha256"]
    assert bare_entry["identity"] == labelled_entry["identity"]


def test_the_reason_for_no_label_stands_in_file_and_entry(shop: Workshop) -> None:
    summary = shop.run(text("rain: in the rain", extra=NEVER))
    said = shop.ledger(kind="output")[0].entry.predicate["disclosure"]["label"]
    assert said == {"setting": "never", "decision": "none", "reason": "printed beside it"}
    data = (shop.out(summary.run_id) / "rain-0.png").read_bytes()
    assert read_marks(data, anchors=()).c2pa.assertion["label"] == said


def test_pictures_without_room_for_their_label_are_rejected_each_with_its_entry(shop: Workshop) -> None:
    close = text("rain: close up, in the rain", extra=ALWAYS)
    for again in (False, True):
        summary = shop.run(close)
        assert (summary.done, summary.rejected, summary.exit_code) == (0, 1, 3)
        assert [outcome.code for outcome in summary.outcomes] == ["disclosure.label-no-room"]
        assert summary.rejected_before == int(again)
    assert not (shop.out(summary.run_id) / "rain-0.png").exists()
    assert shop.ledger(kind="output") == []
    rejected = [item.entry.predicate for item in shop.ledger(kind="reject")]
    assert {(said["reason"], said["identity"]["verdict"]) for said in rejected} == {("label-no-room", "pass")}
    assert [said["attempt"] for said in rejected] == list(range(len(rejected)))


def test_the_next_seed_is_tried_where_a_face_leaves_no_room(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    monkeypatch.setattr(making, "label_has_room", lambda *_: next(answers))
    summary = shop.run(LABELLED)
    assert (summary.done, summary.exit_code) == (1, 0)
    (said,) = (item.entry.predicate for item in shop.ledger(kind="output"))
    assert said["attempt"] == 1
