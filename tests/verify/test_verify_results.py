"""Verdicts that are kept on disk: the same document as from memory, and a full disk is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from personactl_ledger import Ed25519Signer
from test_verify_wire import VERDICT

from personactl.errors import StorageError
from personactl.render import reports
from personactl.render.terminal import dump_json, json_pieces
from personactl.verdict import Verdict
from personactl.verify import Results, document, head, results
from personactl.verify.signed_report import Asked

NOW = "2026-01-02T03:04:05Z"


def some(count: int) -> list[Verdict]:
    kinds = (("pass", 0), ("fail", 5), ("unproven", 6), ("error", 4))
    return [
        replace(VERDICT, path=f"{number}.png", verdict=kinds[number % 4][0], exit_code=kinds[number % 4][1])
        for number in range(count)
    ]


@pytest.mark.parametrize("in_memory", [results.IN_MEMORY, 1000])
@pytest.mark.parametrize("count", [0, 1, 20])
def test_the_document_and_every_report_are_those_from_memory(
    count: int, in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "IN_MEMORY", in_memory)
    verdicts = some(count)
    whole = document(verdicts, (), NOW)
    signing = reports.Signing(signer=Ed25519Signer.generate(), trust=(), asked=Asked())
    with Results(keep=True) as kept:
        for verdict in verdicts:
            kept.add(verdict)
        assert list(kept) == list(kept) == verdicts
        streamed = {**head(kept.counts, (), NOW), "files": kept.documents}
        assert dump_json(streamed) == dump_json(whole)
        assert dump_json({**streamed, "after": {"a": [1]}}) == dump_json({**whole, "after": {"a": [1]}})
        for name in reports.FORMATS:
            reports.write((name, tmp_path / f"{name}-streamed"), kept, streamed, signing)
            reports.write((name, tmp_path / f"{name}-whole"), verdicts, whole, signing)
            assert (tmp_path / f"{name}-streamed").read_bytes() == (tmp_path / f"{name}-whole").read_bytes()


def test_a_document_is_written_file_by_file() -> None:
    with Results(keep=True) as kept:
        for verdict in some(50):
            kept.add(verdict)
        pieces = list(json_pieces({**head(kept.counts, (), NOW), "files": kept.documents}))
    assert len(pieces) > 50
    assert max(map(len, pieces)) < 5000


def test_totals_need_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_on_disk", None)
    with Results(keep=False) as counted:
        for verdict in some(7):
            counted.add(verdict)
        assert counted.counts == Counter({"pass": 2, "fail": 2, "unproven": 2, "error": 1})
        assert (len(counted), counted.exit_code) == (7, 4)
        with pytest.raises(ValueError, match="not kept"):
            list(counted)


def test_what_is_added_after_a_walk_stands_at_the_end() -> None:
    with Results(keep=True) as kept:
        for verdict in some(3):
            kept.add(verdict)
            assert verdict in kept
        assert list(kept) == some(3)


def test_the_file_has_no_name_and_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(results, "IN_MEMORY", 10)
    with Results(keep=True) as kept:
        for verdict in some(3):
            kept.add(verdict)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_told_with_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "IN_MEMORY", 10)
    monkeypatch.setattr(results, "_on_disk", lambda _: open("/dev/full", "wb", buffering=0))  # noqa: SIM115, PTH123
    with Results(keep=True) as kept, pytest.raises(StorageError, match="cannot be kept") as caught:
        for verdict in some(3):
            kept.add(verdict)
    assert caught.value.exit_code == 8
    assert "TMPDIR" in str(caught.value.hint)
