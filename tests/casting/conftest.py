"""A project whose persona is not frozen yet; each test works on a copy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))

import workshop
from workshop import Workshop


@pytest.fixture(scope="session")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("casting") / "project"
    folder.mkdir()
    workshop.found(folder, freeze=False)
    return folder


@pytest.fixture
def shop(draft: Path, tmp_path: Path) -> Workshop:
    return Workshop.copy(draft, tmp_path / "project")
