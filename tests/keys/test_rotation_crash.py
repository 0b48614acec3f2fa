"""A rotation that is killed at any step is finished by the same command, and signs nothing half done meanwhile."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rotating
from personactl_ledger import Ledger, LedgerStorage, check
from rotating import LATER
from test_rotation import require_whole

from personactl import keys
from personactl.config import Config
from personactl.errors import ConflictError, KeyProblem, StorageError, UsageProblem
from personactl.keys import layout, rotation, rotation_folder
from personactl.keys.material import FILES, ROLES
from personactl.keys.rotation_folder import Request

STEPS = ("staged", "recorded", "kept", "installed", "published")
POINTS = [
    (role, step) for role in ROLES for step in (*STEPS, *(f"installed {name}" for name in FILES[role]), "finished")
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return rotating.make(tmp_path_factory.mktemp("made") / "project")


@pytest.fixture
def project(made: Config, tmp_path: Path) -> Config:
    return rotating.copied(made, tmp_path / "project")


def in_use(project: Config, role: str) -> tuple[str, ...]:
    with Ledger.open_reader(project.ledger_path) as ledger:
        return ledger.in_use(role)


@pytest.mark.parametrize(("role", "step"), POINTS)
def test_killed_after_a_step_it_is_finished_by_the_same_command(project: Config, role: str, step: str) -> None:
    request = Request(role=role, keep_old=True)
    old = in_use(project, role)
    assert rotating.killed_at(step, project, role)
    if step != "finished":
        with pytest.raises(KeyProblem) as refused:
            keys.load(project.keys_path)
        assert refused.value.code == "keys.rotation-unfinished"
        assert "keys.rotation-unfinished" in [finding.code for finding in keys.check(project.keys_path)]
        staged = rotation_folder.find(project.keys_path)
        assert staged is not None
        done = keys.rotate(project, request, now=LATER)
        assert (done.resumed, done.new) == (True, staged.new)
        assert done.kept is not None and (done.kept / FILES[role][0]).exists()
    new = in_use(project, role)
    assert len(new) == len(old) and (role == "c2pa" or new != old)
    assert check(project.ledger_path).size == (4 if role == "c2pa" else 6)
    assert not (project.keys_path / layout.ROTATION).exists()
    require_whole(project)


@pytest.mark.parametrize("function", ["begin", "keep", "install", "end"])
def test_a_full_disk_at_any_step_leaves_something_to_go_on_from(
    project: Config, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    request = Request(role="ledger", keep_old=True)
    with monkeypatch.context() as patch:
        patch.setattr(rotation_folder, function, full)
        with pytest.raises(StorageError):
            keys.rotate(project, request, now=LATER)
    keys.rotate(project, request, now=LATER)
    assert check(project.ledger_path).size == 6
    require_whole(project)


def test_a_write_of_the_ledger_that_failed_is_asked_about_and_not_guessed(
    project: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk failed and the entries are there nevertheless: "failed but persisted"."""
    real = rotation.succeed

    def persisted(*arguments: object, **options: object) -> None:
        real(*arguments, **options)  # type: ignore[arg-type]
        raise LedgerStorage("input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(rotation, "succeed", persisted)
        with pytest.raises(LedgerStorage):
            keys.rotate(project, Request(role="ledger"), now=LATER)
    assert keys.rotate(project, Request(role="ledger"), now=LATER).resumed
    assert check(project.ledger_path).size == 6
    require_whole(project)


def test_new_keys_that_a_killed_process_had_not_put_down_whole_are_removed(project: Config) -> None:
    left = project.keys_path / f"{layout.ROTATION}-half"
    left.mkdir()
    (left / layout.OPERATOR_KEY).write_text("half")
    keys.rotate(project, Request(role="operator"), now=LATER)
    assert not left.exists()
    require_whole(project)


@pytest.mark.parametrize("text", [
    "", "{}", "[]", '{"schema": "personactl.rotation/1", "request": 7}',
    '{"schema": "personactl.rotation/1", "request": {"role": "../x"}, "old": "a", "new": "b", "files": []}',
    '{"schema": "personactl.rotation/1", "request": {"role": "root"}, "old": "a", "new": "b", "files": ["x"]}',
])  # fmt: skip
def test_a_mark_that_no_rotation_wrote_is_told(project: Config, text: str) -> None:
    place = project.keys_path / layout.ROTATION
    place.mkdir()
    (place / layout.ROTATION_MARK).write_text(text)
    with pytest.raises(KeyProblem) as refused:
        keys.rotate(project, Request(role="operator"), now=LATER)
    assert refused.value.code == "keys.rotation-unfinished"


# --- a rotation of which nothing became -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["operator", "ledger", "root"])
def test_a_disk_that_fails_before_anything_was_recorded_leaves_no_rotation(
    project: Config, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    def failed(*_: object, **__: object) -> None:
        raise LedgerStorage("attempt to write a readonly database")

    old = in_use(project, role)
    with monkeypatch.context() as patch:
        patch.setattr(rotation, "succeed", failed)
        with pytest.raises(LedgerStorage):
            keys.rotate(project, Request(role=role), now=LATER)
    assert not (project.keys_path / layout.ROTATION).exists()
    keys.load(project.keys_path)
    assert in_use(project, role) == old


def test_a_rotation_that_was_begun_before_keeps_its_options_when_the_disk_fails(
    project: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(*_: object, **__: object) -> None:
        raise LedgerStorage("attempt to write a readonly database")

    assert rotating.killed_at("staged", project, "operator")
    before = rotation_folder.find(project.keys_path)
    with monkeypatch.context() as patch:
        patch.setattr(rotation, "succeed", failed)
        with pytest.raises(LedgerStorage):
            keys.rotate(project, Request(role="operator"), now=LATER)
    assert rotation_folder.find(project.keys_path) == before


@pytest.mark.debian
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs the Debian package util-linux")
def test_a_project_that_cannot_be_written_is_noticed_before_new_keys_are_put_down(project: Config) -> None:
    script = 'set -e; mount --bind . .; cd .; mount --bind keys keys; mount -o remount,bind,ro .; cd "$PWD"; exec "$@"'
    user = [] if os.geteuid() == 0 else ["--map-root-user", "--user"]
    done = subprocess.run(
        ["unshare", "--mount", *user, "sh", "-c", script, "sh", sys.executable, "-m", "personactl", "keys", "rotate",
         "operator"], cwd=project.project, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no mounts may be made here: {done.stderr.strip()[:100]}")
    assert done.returncode == 8, done.stderr
    assert not (project.keys_path / layout.ROTATION).exists()
    keys.rotate(project, Request(role="operator"), now=LATER)


@pytest.mark.parametrize(("role", "step"), [
    *((role, "staged") for role in ROLES), ("c2pa", "recorded"), ("c2pa", "kept"),
])  # fmt: skip
def test_a_rotation_that_changed_nothing_can_be_abandoned(project: Config, role: str, step: str) -> None:
    old = in_use(project, role)
    assert rotating.killed_at(step, project, role)
    before = {
        name: (project.keys_path / name).read_bytes() for name in FILES[role] if (project.keys_path / name).exists()
    }
    begun = rotation_folder.find(project.keys_path)
    assert keys.abandon(project, role) == begun
    assert not (project.keys_path / layout.ROTATION).exists()
    assert not list((project.keys_path / layout.OLD).glob("*")), "a copy of the key in use"
    assert {name: (project.keys_path / name).read_bytes() for name in before} == before
    keys.load(project.keys_path)
    assert in_use(project, role) == old
    keys.rotate(project, Request(role=role), now=LATER)
    require_whole(project)


@pytest.mark.parametrize(("role", "step"), [
    ("operator", "recorded"), ("ledger", f"installed {layout.LEDGER_KEY}"), ("root", "published"),
    ("c2pa", f"installed {layout.C2PA_LEAF_KEY}"), ("c2pa", "published"),
])  # fmt: skip
def test_a_rotation_that_changed_something_can_only_be_finished(project: Config, role: str, step: str) -> None:
    assert rotating.killed_at(step, project, role)
    with pytest.raises(ConflictError) as refused:
        keys.abandon(project, role)
    assert refused.value.code == "keys.rotation-unfinished"
    assert f"personactl keys rotate {role}" in (refused.value.hint or "")
    assert keys.rotate(project, Request(role=role), now=LATER).resumed
    require_whole(project)


def test_the_command_that_abandons_says_which_key_stays(project: Config) -> None:
    old = in_use(project, "operator")[0]
    assert rotating.killed_at("staged", project, "operator")
    command = [sys.executable, "-m", "personactl", "keys", "rotate", "operator", "--abandon"]
    refused = subprocess.run([*command, "--keep-old"], cwd=project.project, capture_output=True, text=True, check=False)
    assert (refused.returncode, "--abandon goes with the role alone" in refused.stderr) == (2, True)
    done = subprocess.run(command, cwd=project.project, capture_output=True, text=True, check=True)
    assert done.stdout == f"the rotation was dropped: the operator key is still {old}\n"
    assert not (project.keys_path / layout.ROTATION).exists()


def test_only_the_rotation_that_is_named_is_abandoned(project: Config) -> None:
    with pytest.raises(UsageProblem):
        keys.abandon(project, "operator")
    assert rotating.killed_at("staged", project, "operator")
    with pytest.raises(ConflictError):
        keys.abandon(project, "ledger")
    assert rotation_folder.find(project.keys_path) is not None


def test_abandoning_that_was_cut_off_is_over(project: Config) -> None:
    """The mark goes first; what is left of the new keys is no rotation, and in nobody's way."""
    assert rotating.killed_at("staged", project, "ledger")
    (project.keys_path / layout.ROTATION / layout.ROTATION_MARK).unlink()
    keys.load(project.keys_path)
    assert not keys.rotate(project, Request(role="operator"), now=LATER).resumed
    require_whole(project)
