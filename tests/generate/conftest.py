"""The random pack, built once a session, and shots for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_pack import EMBEDDING, build_pack

from personactl.model import ReferenceUse, Shot


@pytest.fixture(scope="session")
def built_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: copy it before breaking it."""
    return build_pack(tmp_path_factory.mktemp("random") / "pack")


@pytest.fixture
def pack(built_pack: Path, tmp_path: Path) -> Path:
    """A copy that a test may break, inside a project folder."""
    return Path(shutil.copytree(built_pack, tmp_path / "project" / "pack"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def make_shot() -> Callable[..., Shot]:
    def make(*, weights: tuple[str, ...] = ("0.8",), **changes: Any) -> Shot:
        references = tuple(ReferenceUse(role="hero", sha256="", weight=weight, path="") for weight in weights)
        values: dict[str, Any] = {
            "shot_id": "rain",
            "index": 0,
            "shot_key": "",
            "job_key": "",
            "base_seed": 5,
            "given_seed": True,
            "prompt": "a red coat",
            "negative": "blur",
            "references": references,
            "width": 128,
            "height": 128,
            "steps": 4,
            "guidance": "2.5",
            "scheduler": "dpmsolver++",
            "profile": "exact",
            "file_name": "rain-0.png",
            "alt_text": "",
        }
        return Shot(**{**values, **changes})

    return make


@pytest.fixture(scope="session")
def faces() -> np.ndarray[Any, Any]:
    """Three face embeddings of unit length, (3, 128) float32."""
    rows = np.random.default_rng(3).normal(size=(3, EMBEDDING)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
