"""What check says about cosignatures beyond the vectors, and what it says without ML-DSA-44."""

from __future__ import annotations

import json
import sqlite3
from base64 import b64decode
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import ROOM, forge
from personactl_ledger import LedgerTrust, ReceiptError, check, verify_receipt
from personactl_ledger.checkpoint import mldsa_available
from personactl_ledger.cosignature import NOT_COMPUTED
from personactl_ledger.note import NoteSignature

VECTORS = ROOM / "vectors"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two checkpoints, over 4 and 5 entries; both are cosigned."""
    made = forge.load(VECTORS / "witness-ledger-quorum", tmp_path / "ledger.sqlite")
    assert codes(made) == []
    return made


def codes(path: Path) -> list[str]:
    return [finding.code for finding in check(path).findings if finding.severity == "error"]


def tamper(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(forge.tamper(sql))
    connection.close()


def test_a_cosignature_without_a_checkpoint_is_found(path: Path, verifier: ModuleType) -> None:
    tamper(path, "PRAGMA foreign_keys = OFF;\nUPDATE cosignature SET size = 3 WHERE size = 5;\n")
    assert codes(path) == ["ledger.database", "ledger.cosignature"]
    assert verifier.main(["ledger", str(path)]) == 4


def test_more_cosignatures_than_a_note_can_carry_are_found(
    path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [NoteSignature(f"w{number}", b"abcd", bytes(72)) for number in range(64)]
    connection = sqlite3.connect(path)
    connection.executemany(
        "INSERT INTO cosignature VALUES (5, ?, ?, ?, '2026-01-02T03:04:05Z')",
        [(line.name, line.key_hash, str(line)) for line in lines],
    )
    connection.commit()
    connection.close()
    assert codes(path) == ["ledger.cosignature"]
    assert verifier.main(["ledger", str(path)]) == 4
    assert "[ledger.cosignature]" in capsys.readouterr().out


CHANGES = ["char(10) || line || line", "line || char(10)", "''", "x'ff'", "replace(line, ' ', '  ')"]


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_that_is_not_one_line_is_found(
    path: Path, change: str, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(path, f"UPDATE cosignature SET line = CAST({change} AS TEXT) WHERE size = 5;\n")  # noqa: S608
    assert "ledger.cosignature" in codes(path) or "ledger.database" in codes(path)
    assert verifier.main(["ledger", str(path)]) == 4
    assert "[ledger." in capsys.readouterr().out


@pytest.mark.skipif(not mldsa_available(), reason="the installed cryptography has no ML-DSA-44")
def test_a_library_without_ml_dsa_says_what_it_did_not_check(
    monkeypatch: pytest.MonkeyPatch, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """A witness with both keys counts by its Ed25519 line, one with an ML-DSA-44 key alone does not count."""
    folder = VECTORS / "witness-mldsa"
    data, document = (folder / "the.receipt").read_bytes(), json.loads((folder / "trust.json").read_text())
    roots = tuple(b64decode(key) for key in document["rootKeys"])

    def asking(quorum: int) -> LedgerTrust:
        vkeys = tuple(document["witnesses"]["vkeys"])
        return LedgerTrust(document["origin"], tuple(document["logKeys"]), roots, witnesses=(quorum, vkeys))

    assert len(verify_receipt(data, asking(2), subject_sha256=None).witnesses) == 2
    for name in ("checkpoint", "cosignature"):
        monkeypatch.setattr(f"personactl_ledger.{name}.mldsa_available", lambda: False)
    monkeypatch.setattr(verifier, "MLDSA44PublicKey", None)
    report = verify_receipt(data, asking(1), subject_sha256=None)
    assert [item.types for item in report.witnesses] == [{4}]
    assert NOT_COMPUTED in report.notes
    with pytest.raises(ReceiptError) as caught:
        verify_receipt(data, asking(2), subject_sha256=None)
    assert caught.value.code == "receipt.witness-quorum"
    arguments = ["receipt", str(folder / "the.receipt"), "--trust", str(folder / "trust.json")]
    assert verifier.main(arguments) == 5
    assert "receipt.witness-quorum" in capsys.readouterr().out
