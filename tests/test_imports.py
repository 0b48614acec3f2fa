"""Imports point one way down: the contracts in pyproject.toml hold, and they cover every room."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ABOVE_ALL = {"__init__", "__main__", "pocket", "explain", "policies", "pocket_pack", "demo_persona"}
"""Not in the layers: the entry, data, the trainer (its own contract), and the pages that any room may point to."""


@pytest.mark.slow
def test_every_contract_is_kept(repository: Path) -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(lint), "--no-cache"], cwd=repository, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_stands_in_the_layers(repository: Path) -> None:
    """A new folder that nobody put into the layers would be free to import anything."""
    contracts = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    named = {part.strip().removeprefix("personactl.") for layer in layers for part in layer.split("|")}
    package = repository / "personactl"
    rooms = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert rooms - ABOVE_ALL - named == set()
