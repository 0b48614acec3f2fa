"""One project for all tests of this folder; each works on a copy."""

from __future__ import annotations

from pathlib import Path

import pytest
import workshop
from workshop import Workshop


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workshop") / "project"
    folder.mkdir()
    workshop.found(folder)
    return folder


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Workshop:
    return Workshop.copy(template, tmp_path / "project")
