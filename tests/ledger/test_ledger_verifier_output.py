"""The stand-alone verifier whose answer nobody can read: never exit 0, and the output is named, not a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import story


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return story.write(tmp_path / "ledger.sqlite")


def verify(repository: Path, ledger: Path, stdout: int, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *options, str(repository / "ledger" / "verify_ledger.py"), "ledger", str(ledger)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize("options", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_a_full_disk_is_told_as_one(repository: Path, told: Path, options: list[str]) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        done = verify(repository, told, full, *options)
    finally:
        os.close(full)
    assert (done.returncode, done.stderr) == (2, "standard output: No space left on device\n")


@pytest.mark.parametrize("options", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_a_reader_that_left_is_told_as_one(repository: Path, told: Path, options: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = verify(repository, told, writer, *options)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (2, "standard output: Broken pipe\n")


def test_a_file_that_cannot_be_read_is_still_named(repository: Path, tmp_path: Path) -> None:
    done = verify(repository, tmp_path / "gone.sqlite", subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path / 'gone.sqlite'}: No such file or directory\n"
