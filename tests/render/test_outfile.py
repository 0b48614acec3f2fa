"""Where a command's extra files may not go: onto the files that a project lives on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from personactl.errors import ConflictError, StorageError, UsageProblem
from personactl.render import outfile
from personactl.render.outfile import open_appending, write_new, write_whole

CONFIG = """\
schema = 1
[organisation]
name = "Example Studio"
domain = "example.org"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name in ("keys", "personas/lira/1", "manifests", ".personactl", "out"):
        (folder / name).mkdir(parents=True)
    (folder / "personactl.toml").write_text(CONFIG)
    (folder / "ledger.sqlite").write_bytes(b"ledger")
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "ledger.sqlite", "ledger.sqlite.lock", "ledger.sqlite-journal", "personactl.toml", "keys/root.pem",
        "keys/new.pem", "personas/lira/1/persona.json", "manifests/first.toml", ".personactl/run.sqlite",
        "out/../ledger.sqlite", "out/../keys/root.pem",
    ],
)  # fmt: skip
@pytest.mark.parametrize("broken", [False, True])
def test_the_projects_own_files_are_no_output(project: Path, name: str, broken: bool) -> None:
    if broken:
        (project / "personactl.toml").write_text("schema = ")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    for write in (lambda path: write_whole(path, b"x"), lambda path: write_new(path, b"x"), open_appending):
        with pytest.raises(UsageProblem) as caught:
            write(project / name)
        assert caught.value.code == "cli.project-file"
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_another_name_of_the_ledger_is_the_ledger(project: Path) -> None:
    (project / "out" / "hard").hardlink_to(project / "ledger.sqlite")
    (project / "out" / "soft").symlink_to(project / "ledger.sqlite")
    for name in ("hard", "soft"):
        with pytest.raises(UsageProblem):
            open_appending(project / "out" / name)
    assert (project / "ledger.sqlite").read_bytes() == b"ledger"


def test_other_places_in_a_project_are_fine(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    for name in ("plan.json", "sheet.png", "trust.json", "out/events.ndjson", "manifests/plan.json"):
        write_whole(Path(name), b"one\n")
        descriptor = open_appending(Path(name))
        os.write(descriptor, b"two\n")
        os.close(descriptor)
        assert Path(name).read_bytes() == b"one\ntwo\n"


def test_a_file_that_is_replaced_keeps_its_mode_and_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "plan").write_bytes(b"one")
    (tmp_path / "plan").chmod(0o640)
    write_whole(tmp_path / "plan", b"two")
    assert ((tmp_path / "plan").read_bytes(), (tmp_path / "plan").stat().st_mode & 0o777) == (b"two", 0o640)
    (tmp_path / "link").symlink_to("plan")
    with pytest.raises(StorageError):
        write_whole(tmp_path / "link", b"three")
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "plan").read_bytes()) == (True, b"two")


def test_a_new_file_is_written_over_nothing_that_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_new(tmp_path / "receipt", b"one")
    monkeypatch.setattr(outfile, "require_new", lambda path: None)  # it came after the check
    with pytest.raises(ConflictError) as caught:
        write_new(tmp_path / "receipt", b"two")
    assert (caught.value.code, caught.value.exit_code) == ("cli.output-exists", 10)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("receipt", b"one")]


def test_a_folder_takes_no_lines(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        open_appending(tmp_path)


def test_a_pipe_that_nobody_reads_is_refused_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError):
        outfile.open_appending(tmp_path / "pipe")
    monkeypatch.setattr(outfile, "check_appendable", lambda path: None)  # it came after the check
    with pytest.raises(StorageError):
        outfile.open_appending(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(StorageError):
        outfile.open_appending(tmp_path / "pipe")
    os.close(reader)
