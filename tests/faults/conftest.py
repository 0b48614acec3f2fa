"""One project for all fault tests, and what an uninterrupted run of it makes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))

import workshop
from oracle import Oracle
from two_pictures import MANIFEST
from workshop import Workshop


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "project"
    folder.mkdir()
    workshop.found(folder)
    return folder


@pytest.fixture
def fresh(template: Path, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """A new copy of the project at each call, in place of the one before; in memory where the machine offers that.

    Hundreds of runs wait for hundreds of fsyncs each. What a call answers is the same on both.
    """
    memory = Path("/dev/shm")  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="personactl-", dir=memory if os.access(memory, os.W_OK) else tmp_path))
    project = folder / "project"

    def copy() -> Path:
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(template, project)
        return project

    yield copy
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def oracle(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    shop = Workshop.copy(template, tmp_path_factory.mktemp("uninterrupted") / "project")
    summary = shop.run(MANIFEST)
    assert (summary.done, summary.rejects) == (2, 1), "the run of the fault tests shows every kind of entry"
    found = Oracle(shop.pixels(summary.run_id))
    found.judge(shop.folder, "no fault")
    return found
