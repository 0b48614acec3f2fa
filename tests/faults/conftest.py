"""One project for all fault tests, and what an uninterrupted run of it makes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))

import workshop
from personactl_ledger import check
from two_pictures import MANIFEST
from workshop import Workshop, sha256


@dataclass(frozen=True)
class Oracle:
    """Judges a project after a fault: one more run completes it, and everything is as if nothing had happened."""

    pixels: dict[str, str]

    def judge(self, project: Path, fault: str) -> None:
        shop = Workshop(project)
        run_id = shop.plan(MANIFEST).run_id
        seen = {name: sha256(shop.out(run_id) / name) for name in shop.visible(run_id)}
        summary = shop.run(MANIFEST)
        assert summary.findings == (), f"{fault}: {summary.findings}"
        assert (summary.planned, summary.exit_code) == (2, 0), fault
        assert summary.planned == summary.done + summary.failed + summary.rejected + summary.skipped, fault
        assert shop.visible(run_id) == sorted(self.pixels), fault
        assert shop.pixels(run_id) == self.pixels, fault
        outputs = {stored.entry.subject_sha256: stored for stored in shop.ledger(kind="output")}
        for name in shop.visible(run_id):
            path = shop.out(run_id) / name
            assert outputs[sha256(path)].entry.subject_name == name, f"{fault}: {name} has no entry"
            assert sha256(path) == seen.get(name, sha256(path)), f"{fault}: {name} changed after it was visible"
            assert path.with_name(name + ".receipt").stat().st_size > 0, fault
        assert list((project / ".personactl/staging").iterdir()) == [], fault
        rejected = [stored.entry.predicate for stored in shop.ledger(kind="reject")]
        assert len({(said["jobKey"], said["attempt"]) for said in rejected}) == len(rejected) == 1, fault
        report = check(shop.config.ledger_path)
        assert report.ok, f"{fault}: {report.findings}"


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
