"""Each call of the operating system that a run makes fails in turn: once without, once with its effect.

"Failed but persisted" is what a lost acknowledgement looks like: the file is linked, and link() said it is not.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from oracle import Oracle
from personactl_ledger import LedgerError
from personactl_ledger.ledger import Ledger
from two_pictures import MANIFEST
from workshop import Workshop

from personactl.errors import PersonactlError, StorageError
from personactl.run import folders, staging
from personactl.run.state import RunState

OS_CALLS = ("open", "write", "fsync", "link", "unlink", "rename", "mkdir", "close")


class FaultyOS:
    """Stands in for the module `os` in the two modules that touch files: the n-th call of one name fails."""

    def __init__(self, name: str, number: int, persisted: bool) -> None:
        self.name, self.number, self.persisted = name, number, persisted
        self.calls, self.fired = 0, False

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name != self.name:
            return real

        def call(*arguments: Any, **keywords: Any) -> Any:
            self.calls += 1
            if self.calls != self.number:
                return real(*arguments, **keywords)
            if self.persisted:
                real(*arguments, **keywords)
            self.fired = True
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        return call


@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "failed-but-persisted"])
@pytest.mark.parametrize("name", OS_CALLS)
def test_every_failing_call_is_reported_and_recovered_from(
    fresh: Callable[[], Path], oracle: Oracle, monkeypatch: pytest.MonkeyPatch, name: str, persisted: bool
) -> None:
    number = 0
    while True:
        number += 1
        project, faulty = fresh(), FaultyOS(name, number, persisted)
        with monkeypatch.context() as patched:
            patched.setattr(staging, "os", faulty)
            patched.setattr(folders, "os", faulty)
            fault = f"os.{name} call {number}"
            try:
                Workshop(project).run(MANIFEST)
                assert not faulty.fired, f"{fault}: nobody was told"
            except (StorageError, OSError) as error:
                assert isinstance(error, StorageError) or name == "close", f"{fault}: {error!r}"
        oracle.judge(project, fault)
        if faulty.calls < number:
            break
    assert number > 2, "the call was made"


METHODS = [(Ledger, "append"), (Ledger, "checkpoint"), (RunState, "open_intent"), (RunState, "close_intent"),
           (RunState, "close_rejected"), (RunState, "plan"), (RunState, "learn")]  # fmt: skip


@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "failed-but-persisted"])
@pytest.mark.parametrize(("owner", "name"), METHODS, ids=[name for _, name in METHODS])
def test_every_failing_commit_is_recovered_from(
    fresh: Callable[[], Path], oracle: Oracle, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, persisted: bool
) -> None:
    real, number = getattr(owner, name), 0
    while True:
        number += 1
        calls: list[int] = []

        def faulty(*arguments: Any, calls: list[int] = calls, number: int = number, **keywords: Any) -> Any:
            calls.append(1)
            if len(calls) != number:
                return real(*arguments, **keywords)
            if persisted:
                real(*arguments, **keywords)
            raise StorageError("the disk failed", code="storage.failed")

        project = fresh()
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, faulty)
            try:
                Workshop(project).run(MANIFEST)
            except (PersonactlError, LedgerError) as error:
                assert isinstance(error, StorageError)
        oracle.judge(project, f"{name} call {number}")
        if len(calls) < number:
            return
