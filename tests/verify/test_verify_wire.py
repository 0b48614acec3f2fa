"""The pipe between worker and parent: what goes in comes out, and nothing else does."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from personactl.model import Finding
from personactl.verdict import Axes, Verdict
from personactl.verify import wire
from personactl.verify.walking import Target

PATH = os.fsdecode(b"a\xff\n\x1b[2J\xe2\x80\xae.png")
VERDICT = Verdict(
    path=PATH, sha256="0" * 64, media_type="image/png", verdict="pass", exit_code=0, axes=Axes(integrity="exact"),
    layers_required=2, layers_found=("signed-metadata",), basis=("metadata", "ledger"), persona=("lira", 2),
    entry=("ab" * 16, "example.org/personactl/0", None), development=True,
    findings=(Finding(code="verify.altered", severity="error", message="\udcff\u202e", hint=""),),
)  # fmt: skip


def plain(verdict: Verdict = VERDICT) -> dict[str, Any]:
    """The JSON of a verdict, to be changed by a test."""
    value: dict[str, Any] = json.loads(wire.frame(verdict)[wire.LENGTH_BYTES :])
    return value


@pytest.mark.parametrize(
    "verdict", [VERDICT, replace(VERDICT, persona=None, entry=None), replace(VERDICT, entry=("a", "b", 4), findings=())]
)
def test_a_verdict_comes_back_as_it_was(verdict: Verdict) -> None:
    (value,) = wire.Frames().add(wire.frame(verdict))
    assert wire.verdict_of(value) == verdict


def test_an_order_comes_back_as_it_was_whatever_the_file_is_called() -> None:
    target = Target(path=Path(PATH), receipts=(Path("r") / PATH, Path(PATH + ".receipt")), descriptor=7)
    (value,) = wire.Frames().add(wire.order(target))
    assert wire.target_of(value) == target


def test_frames_are_put_together_from_any_pieces() -> None:
    sent = b"".join(wire.frame({"n": number}) for number in range(5))
    frames, found = wire.Frames(), []
    for place in range(0, len(sent), 3):
        found += frames.add(sent[place : place + 3])
    assert found == [{"n": number} for number in range(5)]


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xff\xff\xff",
        b"\0\0\0\1{",
        b"\0\0\0\2\xff\xff",
        b"\0\0\0\0",
        (2**20).to_bytes(4, "big") + b"[" * 2**20,
    ],
)
def test_what_is_no_frame_is_refused(sent: bytes) -> None:
    with pytest.raises(wire.WireError):
        list(wire.Frames().add(sent))


def test_what_was_said_before_nonsense_counts() -> None:
    """One piece of a pipe can hold the answer to a good file and what a bad one made its worker say."""
    coming = wire.Frames().add(wire.frame({"n": 1}) + b"\xff" * 8)
    assert next(coming) == {"n": 1}
    with pytest.raises(wire.WireError):
        next(coming)


@pytest.mark.parametrize(
    "change",
    [
        {"path": None}, {"path": 4}, {"exit_code": True}, {"exit_code": "0"}, {"exit_code": 0.0}, {"verdict": "good"},
        {"verdict": ["pass"]}, {"axes": {}}, {"axes": []}, {"axes": {"integrity": "exact"}}, {"layers_found": "signed"},
        {"layers_found": [1]}, {"persona": ["lira"]}, {"persona": ["lira", "2"]}, {"entry": ["a", "b", "c"]},
        {"axes": {**plain()["axes"], "trust": "very"}},
        {"entry": {}}, {"findings": [{}]}, {"findings": [[]]}, {"findings": {}}, {"development": 1}, {"more": 1},
    ],
)  # fmt: skip
def test_a_verdict_of_any_other_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(wire.WireError):
        wire.verdict_of({**plain(), **change})


def test_a_field_that_is_missing_or_no_map_at_all_is_refused() -> None:
    value = plain()
    del value["sha256"]
    for other in (value, None, [], "pass", 4):
        with pytest.raises(wire.WireError):
            wire.verdict_of(other)
