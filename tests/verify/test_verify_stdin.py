"""`verify -`: one file from standard input, with its own receipt, and nothing that a name would bring."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from studio import Studio

from personactl.errors import StorageError
from personactl.verify import standard_input, verify_file


@pytest.fixture
def trust(ours: Studio, tmp_path: Path) -> list[str]:
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    return ["--trust", str(tmp_path / "trust.json")]


def verify(given: bytes | int, *arguments: str, folder: Path | None = None) -> tuple[int, dict[str, Any]]:
    """(exit code, document) of a command that reads `given`, bytes or an open terminal."""
    stream = {"stdin": given} if isinstance(given, int) else {"input": given}
    done = subprocess.run(
        [sys.executable, "-m", "personactl", "verify", *arguments, "--json"],
        capture_output=True, check=False, cwd=folder, **stream,  # type: ignore[call-overload]
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def test_standard_input_is_judged_like_a_file_between_the_others(
    ours: Studio, tmp_path: Path, trust: list[str]
) -> None:
    first = ours.deliver(tmp_path, "jpeg")
    receipt = tmp_path / "of-stdin.receipt"
    receipt.write_bytes(ours.works["png"].receipt)
    code, result = verify(ours.works["png"].data, str(first), "-", "--receipt", str(receipt), *trust)
    assert (code, [item["verdict"] for item in result["files"]]) == (0, ["pass", "pass"])
    named, unnamed = result["files"]
    assert (named["path"], unnamed["path"]) == (str(first), "-")
    assert unnamed["axes"]["integrity"] == "exact"
    assert "verify.wrong-extension" not in {item["code"] for item in unnamed["findings"]}


def test_no_receipt_is_looked_for_by_name(ours: Studio, tmp_path: Path, trust: list[str]) -> None:
    (tmp_path / "-.receipt").write_bytes(ours.works["png"].receipt)
    code, result = verify(ours.works["png"].data, "-", "--receipts", ".", *trust, folder=tmp_path)
    assert (code, result["files"][0]["axes"]["integrity"]) == (0, "content")


def test_a_file_that_is_called_so_is_named_by_its_folder(ours: Studio, tmp_path: Path, trust: list[str]) -> None:
    ours.deliver(tmp_path, called="-")
    code, result = verify(b"", "./-", *trust, folder=tmp_path)
    assert (code, result["files"][0]["axes"]["integrity"]) == (0, "exact")


@pytest.mark.parametrize(("given", "found"), [(b"", "verify.unreadable"), (b"text", "verify.unsupported-type")])
def test_what_is_no_picture_is_an_error(given: bytes, found: str) -> None:
    code, result = verify(given, "-")
    assert (code, result["files"][0]["findings"][0]["code"]) == (4, found)


@pytest.mark.parametrize("arguments", [["-", "-"], ["a.png", "--receipt", "a.png.receipt"]])
def test_what_makes_no_sense_is_refused_before_anything_is_read(arguments: list[str]) -> None:
    code, result = verify(b"", *arguments)
    assert (code, result["code"]) == (2, "cli.standard-input")


def test_a_terminal_is_refused() -> None:
    control, terminal = pty.openpty()
    try:
        code, result = verify(terminal, "-")
    finally:
        os.close(control)
        os.close(terminal)
    assert (code, result["code"]) == (2, "cli.standard-input")
    assert "terminal" in result["message"]


def test_more_than_a_file_may_have_is_not_read_to_its_end(ours: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard_input, "MAX_BYTES", 1000)
    monkeypatch.setattr("personactl.verify.opening.open_source.__kwdefaults__", {"limit": 1000, "descriptor": None})
    stream = io.BytesIO(b"x" * 5000)
    with standard_input.place() as place:
        target = place.target(stream)
        assert stream.tell() == 1001
        (finding,) = verify_file(target, [ours.trust]).findings
    assert finding.code == "verify.too-large"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("wb") as full, pytest.raises(StorageError, match="cannot be kept"):
        standard_input.StandardInput(full).target(io.BytesIO(b"x" * 100000))
