"""The doctor: data about the machine and the project, and never a crash of its own."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from personactl import doctor
from personactl.doctor import Check, examine, exit_code


def test_every_check_says_what_was_found(tmp_path: Path) -> None:
    checks = examine(tmp_path, {"HOME": str(tmp_path)})
    names = [check.name for check in checks]
    assert {"personactl", "python", "sqlite", "cryptography", "project", "trust"} <= set(names)
    assert [check for check in checks if not check.value] == []
    assert [check for check in checks if check.state != "ok" and not check.hint] == []


def test_no_project_is_a_warning_that_names_the_command(tmp_path: Path) -> None:
    (project,) = [check for check in examine(tmp_path, {}) if check.name == "project"]
    assert project.state == "warning"
    assert "personactl init" in project.hint


def test_a_broken_project_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "personactl.toml").write_text("schema = 99\n")
    checks = examine(tmp_path, {"HOME": str(tmp_path)})
    (project,) = [check for check in checks if check.name == "project"]
    assert (project.state, project.exit_code) == ("error", 2)


def test_a_check_that_fails_in_an_unforeseen_way_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> object:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(doctor, "_packages", broken)
    checks = examine(tmp_path, {"HOME": str(tmp_path)})
    (found,) = [check for check in checks if check.name == "packages"]
    assert (found.state, exit_code((found,))) == ("error", 8)
    assert "libGL" in found.value
    assert [check.name for check in checks][-1] == "trust"


def test_a_missing_extra_is_a_warning_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "GENERATE", ("torch-of-nobody",))
    (found,) = [check for check in doctor._packages() if check.name == "generate"]
    assert (found.state, found.hint) == ("warning", "pip install 'personactl[generate]'")
    assert "torch-of-nobody" in found.value


@pytest.mark.parametrize(("codes", "expected"), [([], 0), ([8], 8), ([9, 8], 9), ([2], 2), ([2, 8], 8), ([4, 9], 4)])
def test_the_exit_code_is_that_of_the_worst_error(codes: list[int], expected: int) -> None:
    checks = tuple(Check(name="x", state="error", value="x", exit_code=code) for code in codes)
    fine = Check(name="x", state="warning", value="x", exit_code=4)
    assert exit_code((fine, *checks)) == expected


@pytest.mark.parametrize(
    ("versions", "library", "told"),
    [
        ({"opencv-python": "5"}, None, ["the full build, but this machine has no libGL"]),
        ({"opencv-python": "5"}, "libGL.so.1", []),
        ({"opencv-python-headless": "5"}, None, []),
        ({"opencv-python": "5", "opencv-python-headless": "5"}, "libGL.so.1", ["two builds over each other"]),
    ],
)
def test_an_opencv_that_will_not_load_is_named(
    versions: dict[str, str], library: str | None, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_version", versions.get)
    monkeypatch.setattr(doctor, "find_library", lambda _: library)
    assert [check.value for check in doctor._opencv()] == told


def test_the_gpu_is_only_asked_for_when_wanted() -> None:
    (found,) = doctor._device(False)
    assert "--deep" in found.value


def test_a_clock_before_the_ledger_is_named(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    ledger.touch()
    assert doctor._clock(ledger).state == "ok"
    os.utime(ledger, (time.time() + 3600,) * 2)
    assert doctor._clock(ledger).state == "warning"
