"""Fixtures of the ledger's tests: a bench, an open ledger, the stand-alone verifier as a module."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import NOW, ROOM, Bench, forge
from personactl_ledger import Ledger


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    keys = [forge.signer(name) for name in ("root", "operator", "run")]
    return Bench(tmp_path / "ledger.sqlite", *keys, forge.log_signer())


@pytest.fixture
def ledger(bench: Bench) -> Iterator[Ledger]:
    """A new ledger that is open for writing, with one open run `r-1`."""
    with bench.create() as opened:
        opened.append([bench.run_open()], now=NOW)
        yield opened


@pytest.fixture(scope="session")
def verifier() -> ModuleType:
    """ledger/verify_ledger.py as a module."""
    spec = importlib.util.spec_from_file_location("verify_ledger", ROOM / "verify_ledger.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
