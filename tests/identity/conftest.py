"""The random pack of tests/generate, whose detector reads faces off painted cells."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from personactl.model import Candidate, Gate


def _load() -> ModuleType:
    path = Path(__file__).parents[1] / "generate" / "random_pack.py"
    spec = importlib.util.spec_from_file_location("random_pack", path)
    assert spec
    assert spec.loader
    module = sys.modules.setdefault("random_pack", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


random_pack = _load()


@pytest.fixture(scope="session")
def faces_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only. A model folder with scorer and conditioner, without pack.json and without a generator."""
    folder = tmp_path_factory.mktemp("faces") / "pack"
    folder.mkdir()
    for name, seed in (("conditioner", 1), ("scorer", 2)):
        random_pack.write_faces(folder / name, seed)
    random_pack.index_pack(folder)
    return folder


@pytest.fixture
def paint() -> Callable[..., np.ndarray[Any, Any]]:
    painted: Callable[..., np.ndarray[Any, Any]] = random_pack.paint
    return painted


@pytest.fixture
def gate() -> Callable[[str], Gate]:
    return lambda threshold: Gate(
        threshold=threshold, source="calibrated-pack", calibration_id="c", attempts=4, on_drift=("reseed",)
    )


@pytest.fixture
def candidate() -> Callable[[np.ndarray[Any, Any]], Candidate]:
    def make(pixels: np.ndarray[Any, Any]) -> Candidate:
        made: Any = {
            "shot": None,
            "attempt": 0,
            "seed": 1,
            "pixels": pixels,
            "pixels_sha256": "",
            "environment": {},
            "generated_at": "",
        }
        return Candidate(**made)

    return make
