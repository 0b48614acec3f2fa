"""Which bytes are an anchor: both readers take the same (SPEC 7.1, 8.2, 12.7)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import forge
from personactl_ledger import LedgerTrust, check, verify_receipt
from personactl_ledger.encoding import to_base64
from personactl_ledger.errors import ReceiptError

MOST = 256 * 1024
"""Bytes of a note."""


def book() -> forge.Forge:
    made = forge.Forge()
    made.note("x")
    made.checkpoint()
    return made


def filled(note: str, size: int) -> str:
    """The note with one more line of a stranger, so that it has `size` characters."""
    for name in ("x", "xx", "xxx", "xxxx"):
        room = size - len(note) - len(f"— {name} \n")
        if room % 4 == 0:
            return f"{note}— {name} {to_base64(bytes(room // 4 * 3))}\n"
    raise AssertionError


def anchors() -> dict[str, tuple[bytes, bool]]:
    """Name to the bytes and whether they are an anchor."""
    made = book()
    stored = made.store.latest_checkpoint()
    assert stored is not None
    note, receipt = stored.note, made.receipt(3)
    proof = json.loads(receipt)["proof"]
    dashes = 2 * (note.count("—") + 1)  # characters of three bytes
    stranger = "— ".encode() + b"\xff AAAAAAAAAAAA\n"
    return {
        "a checkpoint": (note.encode(), True),
        "a proof": (proof.encode(), True),
        "a receipt": (receipt, True),
        "as long as a note can be": (filled(note, MOST - dashes).encode(), True),
        "longer in bytes alone": (filled(note, MOST - dashes + 1).encode(), False),
        "longer in bytes alone, in a proof": (proof.replace(note, filled(note, MOST)).encode(), False),
        "a checkpoint that is no UTF-8": (note.encode() + stranger, False),
        "a proof that is no UTF-8": (proof.encode() + stranger, False),
        "no index": (b"c2sp.org/tlog-proof@v1\n\n" + note.encode(), False),
        "a wrong index": (b"c2sp.org/tlog-proof@v1\nindex -7\n\n" + note.encode(), False),
        "a wrong path": (b"c2sp.org/tlog-proof@v1\nindex 3\nnonsense\n\n" + note.encode(), False),
        "a path of 64": (b"c2sp.org/tlog-proof@v1\nindex 3\n" + 64 * (to_base64(bytes(32)).encode() + b"\n")
                         + b"\n" + note.encode(), False),
        "another version": (b"c2sp.org/tlog-proof@v1x\nindex 3\n\n" + note.encode(), False),
    }  # fmt: skip


@pytest.mark.parametrize("name", anchors())
def test_both_readers_take_the_same_anchors(
    name: str, tmp_path: Path, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    data, good = anchors()[name]
    path, file = tmp_path / "ledger.sqlite", tmp_path / "anchor"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(book().dump())
    connection.close()
    file.write_bytes(data)
    report = check(path, anchors=[data])
    assert [item.code for item in report.findings] == ([] if good else ["ledger.anchor"])
    assert report.anchored == good
    assert verifier.main(["ledger", str(path), "--anchor", str(file)]) == (0 if good else 4)
    assert ("[ledger.anchor]" in capsys.readouterr().out) != good


def test_a_note_in_a_receipt_is_counted_in_bytes(tmp_path: Path, verifier: ModuleType) -> None:
    made = book()
    trust = tmp_path / "trust.json"
    trust.write_text(forge.dumps(made.trust()))
    loaded = verifier.Trust(trust)
    document = json.loads(made.receipt(3))
    head, _, note = document["proof"].partition("\n\n")
    dashes = 2 * (note.count("—") + 1)
    for size, good in ((MOST - dashes, True), (MOST - dashes + 1, False)):
        document["proof"] = f"{head}\n\n{filled(note, size)}"
        data = json.dumps(document).encode()
        report = verifier.Report()
        if good:
            assert verify_receipt(data, trust_of(made), subject_sha256=None).index == 3
            verifier.verify_receipt(report, data, loaded, None)
            continue
        with pytest.raises(ReceiptError) as refused:
            verify_receipt(data, trust_of(made), subject_sha256=None)
        assert refused.value.code == "receipt.malformed"
        with pytest.raises(verifier.Bad) as bad:
            verifier.verify_receipt(report, data, loaded, None)
        assert bad.value.code == "receipt.malformed"


def trust_of(made: forge.Forge) -> LedgerTrust:
    return LedgerTrust(made.origin, made.log.vkeys(made.origin), (made.root.public_key,))
