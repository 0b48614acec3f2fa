"""The document, the exit code and the words for people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import studio
from PIL import Image
from studio import Studio

import personactl
from personactl.disclose import watermark
from personactl.keys.trust import TrustFile
from personactl.model import Finding
from personactl.verdict import Axes, Verdict
from personactl.verify import document, exit_code, summary_line, verdict_word, verify_file

PASS = Verdict(
    path="a.png",
    sha256="aa" * 32,
    media_type="image/png",
    verdict="pass",
    exit_code=0,
    axes=Axes(integrity="exact", credential="embedded", trust="trusted", disclosure="synthetic", ledger="exact"),
    layers_required=2,
    layers_found=("signed-metadata", "watermark"),
    basis=("metadata", "ledger"),
    persona=("lira", 2),
    entry=("ab" * 16, "studio.example/personactl/0011223344556677", 1042),
    development=False,
    findings=(Finding(code="verify.xmp-missing", severity="warning", message="m", hint="h"),),
)
STRIPPED = replace(
    PASS, path="b\x1b.png", verdict="unproven", exit_code=6, persona=None, entry=None,
    axes=Axes(integrity="not-checked"), findings=(),
)  # fmt: skip
BROKEN = replace(STRIPPED, verdict="error", exit_code=4, axes=Axes(integrity="unreadable"),
                 findings=(Finding(code="verify.unreadable", severity="error", message="it is empty"),))  # fmt: skip
TRUST = TrustFile(
    name="Studio", origin="studio.example/personactl/0011223344556677", development=False, c2pa_anchors=(),
    leaf_fingerprints=(), log_keys=(), root_keys=(), approvers=None, tsa_roots=(), detector="",
    issued_at="2026-11-21T08:00:00Z", sha256="cc" * 32,
)  # fmt: skip


def test_the_document_has_the_shape_of_the_contract() -> None:
    found: dict[str, Any] = json.loads(json.dumps(document([PASS, STRIPPED], [TRUST], "2026-11-21T09:00:00Z")))
    assert found["schema"] == "personactl.verify/1"
    assert found["verifiedAt"] == "2026-11-21T09:00:00Z"
    assert found["detector"] == {"name": "personactl", "version": personactl.__version__}
    assert found["trust"] == [{"name": "Studio", "sha256": "cc" * 32, "issuedAt": "2026-11-21T08:00:00Z"}]
    assert found["summary"] == {"files": 2, "pass": 1, "fail": 0, "unproven": 1, "error": 0}
    first, second = found["files"]
    assert first["persona"] == {"id": "lira", "version": 2}
    assert first["entry"] == {"entryId": "ab" * 16, "origin": PASS.entry[1] if PASS.entry else "", "index": 1042}
    assert first["layers"] == {"required": 2, "found": ["signed-metadata", "watermark"]}
    assert set(first["axes"]) == {"integrity", "credential", "trust", "disclosure", "watermark", "ledger", "approval"}
    assert first["findings"] == [{"code": "verify.xmp-missing", "severity": "warning", "message": "m", "hint": "h"}]
    assert second["persona"] is None
    assert second["entry"] is None


def test_the_exit_code_is_that_of_the_worst_file() -> None:
    assert exit_code([]) == 0
    assert exit_code([PASS]) == 0
    assert exit_code([PASS, STRIPPED]) == 6
    assert exit_code([PASS, STRIPPED, replace(PASS, verdict="fail", exit_code=5)]) == 5
    assert exit_code([replace(PASS, verdict="fail", exit_code=7), BROKEN]) == 4


def test_a_pass_under_development_keys_is_never_printed_as_a_bare_pass() -> None:
    assert verdict_word(PASS) == "pass"
    assert verdict_word(replace(PASS, development=True)) == "pass (development keys: not for release)"
    assert verdict_word(replace(PASS, development=True, verdict="fail", exit_code=5)) == "fail"


def test_the_line_for_people_says_what_was_looked_at() -> None:
    assert summary_line(PASS) == (
        "pass · exact bytes · credential embedded · signer trusted · disclosed as synthetic · in the ledger · "
        "lira@2 · entry #1042"
    )
    assert summary_line(STRIPPED) == "unproven · no credential"
    assert summary_line(BROKEN) == "error · it is empty"


def line_of(verdict: Verdict) -> list[str]:
    return summary_line(verdict).split(" · ")


def agree(verdict: Verdict) -> None:
    """What the document says of persona and entry, the line for people says, and the other way round."""
    (file,) = document([verdict], [], "2026-11-21T09:00:00Z")["files"]
    words = line_of(verdict)
    persona, entry = file["persona"], file["entry"]
    assert [word for word in words if word.startswith("lira@")] == (
        [f"lira@{persona['version']}"] if persona is not None else []
    )
    told = [word for word in words if word.startswith("entry ")]
    if entry is None:
        assert told == []
    elif entry["index"] is None:
        assert told == [f"entry {entry['entryId'][:16]}"]
    else:
        assert told == [f"entry #{entry['index']}"]


def test_a_signed_file_whose_picture_does_not_decode_names_nobody_in_either(
    ours: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watermark, "extract", lambda _rgb: (_ for _ in ()).throw(MemoryError))
    verdict = verify_file(ours.deliver(tmp_path), [ours.trust], pixels=True)
    assert (verdict.axes.integrity, verdict.persona, verdict.entry) == ("unreadable", None, None)
    agree(verdict)


def test_document_and_line_agree_on_persona_and_entry(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    exact = verify_file(ours.deliver(tmp_path), [ours.trust])
    content = verify_file(ours.deliver(tmp_path, "jpeg", receipt=False), [ours.trust])
    stranger = verify_file(theirs.deliver(tmp_path, called="b.png"), [ours.trust])
    unasked = verify_file(ours.deliver(tmp_path, called="c.png"), [])
    lie = studio.claim(theirs, entry_id=ours.works["png"].entry_id, ledgerOrigin=ours.origin)
    (tmp_path / "lie.png").write_bytes(studio.sign(theirs, lie))
    impostor = verify_file(tmp_path / "lie.png", [ours.trust, theirs.trust])
    altered = bytearray(ours.works["png"].data)
    altered[-200] ^= 1
    (tmp_path / "altered.png").write_bytes(altered)
    broken = verify_file(tmp_path / "altered.png", [ours.trust])
    Image.open(ours.deliver(tmp_path)).save(tmp_path / "stripped.png")
    stripped = verify_file(tmp_path / "stripped.png", [ours.trust], ledger=ours.ledger_path)
    for verdict in (exact, content, stranger, unasked, impostor, broken, stripped):
        agree(verdict)
    known = [exact, content, stripped]
    assert all(verdict.persona == ("lira", 2) and verdict.entry is not None for verdict in known)
    assert all((verdict.persona, verdict.entry) == (None, None) for verdict in (stranger, impostor, broken, unasked))
