"""What a project remembers of its ledger, and that nothing that signs can go around it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from personactl_ledger import Draft, Ledger, sign_entry, statement

import personactl
from personactl import config, continuity, keys
from personactl.config import Config
from personactl.errors import ConflictError, StorageError
from personactl.keys import KeySet

NOW = "2026-11-21T08:00:00Z"
CONFIG = 'schema = 1\n[organisation]\nname = "Example Studio"\ndomain = "example.org"\n'


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only. A project with a founded ledger that nobody has opened yet."""
    folder = tmp_path_factory.mktemp("project")
    (folder / config.FILE_NAME).write_text(CONFIG)
    project = config.find(folder)
    keys.create_development(project.keys_path, organisation="Example Studio", domain="example.org", now=NOW)
    found(project.ledger_path, keys.load(project.keys_path))
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Config:
    shutil.copytree(template, tmp_path / "project")
    return config.find(tmp_path / "project")


def found(path: Path, keyset: KeySet) -> None:
    with Ledger.create(
        path, domain="example.org", development=True, root=keyset.root,
        operator_public=keyset.operator.public_key, log=keyset.log, now=NOW,
    ) as ledger:  # fmt: skip
        ledger.checkpoint(keyset.log, now=NOW)


def note(ledger: Ledger, keyset: KeySet, text: str) -> None:
    said = {"origin": ledger.origin, "text": text, "notedAt": NOW}
    payload = statement("note", subject=("note", "00" * 32), predicate=said)
    ledger.append([Draft(sign_entry(payload, keyset.operator))], now=NOW)


def refused(project: Config, path: Path | None = None) -> str:
    target = path or project.ledger_path
    before = target.read_bytes()
    with pytest.raises(ConflictError) as caught, continuity.open_writer(project, path) as ledger:
        note(ledger, keys.load(project.keys_path), "must not happen")
    assert caught.value.exit_code == 10
    assert target.read_bytes() == before
    return caught.value.code


@pytest.fixture
def older(project: Config) -> Path:
    """A copy of the ledger from before its last entry."""
    keyset = keys.load(project.keys_path)
    with continuity.open_writer(project) as ledger:
        note(ledger, keyset, "one")
    copy = project.project / "older.sqlite"
    shutil.copy(project.ledger_path, copy)
    with continuity.open_writer(project) as ledger:
        note(ledger, keyset, "two")
    return copy


def test_an_older_copy_is_refused_wherever_it_lies(project: Config, older: Path) -> None:
    assert refused(project, older) == "conflict.ledger-moved"
    shutil.copy(older, project.ledger_path)
    assert refused(project) == "conflict.ledger-moved"


def test_a_copy_that_went_another_way_is_refused(project: Config, older: Path) -> None:
    with Ledger.open_writer(older) as ledger:
        note(ledger, keys.load(project.keys_path), "another two")
        note(ledger, keys.load(project.keys_path), "three")
    shutil.copy(older, project.ledger_path)
    assert refused(project) == "conflict.ledger-moved"


def test_what_a_copy_elsewhere_became_is_remembered_too(project: Config, older: Path) -> None:
    copy = project.project / "copy.sqlite"
    shutil.copy(project.ledger_path, copy)
    with continuity.open_writer(project, copy) as ledger:
        note(ledger, keys.load(project.keys_path), "three")
    assert refused(project) == "conflict.ledger-moved"  # the project's keys signed more than it holds


def test_it_is_remembered_when_a_command_fails_after_it_wrote(project: Config, older: Path) -> None:
    def fail() -> None:
        with continuity.open_writer(project) as ledger:
            note(ledger, keys.load(project.keys_path), "three")
            raise RuntimeError("later")

    shutil.copy(project.ledger_path, older)
    with pytest.raises(RuntimeError, match="later"):
        fail()
    shutil.copy(older, project.ledger_path)
    assert refused(project) == "conflict.ledger-moved"


def test_another_ledger_in_its_place_is_refused_and_forgets_nothing(project: Config, older: Path) -> None:
    before = continuity.load(project.project)
    project.ledger_path.unlink()
    found(project.ledger_path, keys.load(project.keys_path))
    assert refused(project) == "conflict.other-ledger"
    assert continuity.load(project.project) == before
    shutil.copy(older, project.ledger_path)
    assert refused(project) == "conflict.ledger-moved"


def test_a_ledger_that_is_not_known_leaves_the_memory_alone(project: Config, older: Path, tmp_path: Path) -> None:
    before = continuity.load(project.project)
    found(tmp_path / "strange.sqlite", keys.load(project.keys_path))
    with continuity.open_writer(project, tmp_path / "strange.sqlite"):
        pass
    assert continuity.load(project.project) == before


def test_the_ledger_is_known_by_any_name_and_also_when_it_is_missing(project: Config, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project.project)
    names = [tmp_path / "link" / "ledger.sqlite", project.project / "keys" / ".." / "ledger.sqlite"]
    for _ in range(2):
        assert all(continuity.is_own(project, name) for name in names)
        assert not continuity.is_own(project, tmp_path / "ledger.sqlite")
        project.ledger_path.unlink(missing_ok=True)


def test_nothing_makes_it_remember_less(project: Config, older: Path) -> None:
    before = continuity.load(project.project)
    with Ledger.open_reader(older) as ledger:
        continuity.begin(project.project, ledger)
    assert continuity.load(project.project) == before


def test_two_files_at_once_lose_nothing(project: Config, older: Path) -> None:
    """Each has a lock of its own; the memory is one."""
    memory = continuity.load(project.project)
    places = []
    for number in range(4):
        places.append(project.project / f"copy-{number}.sqlite")
        shutil.copy(project.ledger_path, places[-1])
    ready = threading.Barrier(len(places))

    def work(place: Path) -> None:
        ready.wait()
        with Ledger.open_reader(place) as ledger:
            continuity.begin(project.project, ledger)

    threads = [threading.Thread(target=work, args=(place,)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert continuity.load(project.project) == memory
    assert [path.name for path in (project.project / ".personactl").iterdir()] == ["ledgers.json"]


HASH = b"0" * 64
DAMAGED = [
    b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"schema": "personactl.ledgers/2", "current": "", "ledgers": {}}',
    b'{"schema": "personactl.ledgers/1", "current": "x", "ledgers": {}}',
    b'{"schema": "personactl.ledgers/1", "current": "x", "ledgers": {"x": {"size": "4", "lastLeaf": "%b"}}}' % HASH,
    b'{"schema": "personactl.ledgers/1", "current": "x", "ledgers": {"x": {"size": 4, "lastLeaf": "0"}}}',
]  # fmt: skip


@pytest.mark.parametrize("data", DAMAGED)
def test_a_damaged_memory_stops_what_would_write(data: bytes, project: Config, older: Path) -> None:
    place = project.project / ".personactl" / continuity.FILE_NAME
    place.write_bytes(data)
    with pytest.raises(StorageError) as caught, continuity.open_writer(project):
        pass
    assert (caught.value.code, caught.value.exit_code) == ("storage.ledgers-damaged", 8)
    assert place.read_bytes() == data


def test_the_memory_is_for_its_owner_and_holds_no_text(project: Config, older: Path) -> None:
    place = project.project / ".personactl" / continuity.FILE_NAME
    assert place.stat().st_mode & 0o077 == 0
    said = json.loads(place.read_text())
    assert set(said) == {"schema", "current", "ledgers"}
    assert [set(item) for item in said["ledgers"].values()] == [{"size", "lastLeaf"}]


@pytest.mark.parametrize("command", [["keys", "rotate", "ledger"], ["ledger", "checkpoint"]])
def test_where_nothing_can_be_remembered_nothing_is_written(project: Config, older: Path, command: list[str]) -> None:
    """Told to run it again, somebody would have rotated a second time."""
    folder = project.project / ".personactl"
    everything = [path for path in project.project.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in everything}
    plain = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    if plain and shutil.which("setpriv") is None:
        pytest.skip("root is refused nothing without the Debian package util-linux")
    folder.chmod(0o500)
    done = subprocess.run(
        [*plain, sys.executable, "-m", "personactl", *command], cwd=project.project, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    folder.chmod(0o700)
    assert done.returncode == 8, done.stderr
    assert "nothing was changed" in done.stderr
    assert {path: path.read_bytes() for path in project.project.rglob("*") if path.is_file()} == before


def test_a_ledger_that_is_not_remembered_needs_no_memory(project: Config, older: Path, tmp_path: Path) -> None:
    found(tmp_path / "strange.sqlite", keys.load(project.keys_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(continuity, "_staged", lambda *_: pytest.fail("must not write"))
        with continuity.open_writer(project, tmp_path / "strange.sqlite"):
            pass


def test_a_linked_folder_is_not_followed(project: Config, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (project.project / ".personactl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError), continuity.open_writer(project):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_nothing_else_opens_a_ledger_for_writing() -> None:
    """`open_writer(…).close()` rolls back what a crash left and writes nothing."""
    room = Path(personactl.__file__).parent
    found = {
        str(path.relative_to(room)): len(re.findall(r"Ledger\.open_writer\((?!path\)\.close\(\))", path.read_text()))
        for path in room.rglob("*.py")
    }
    assert {name: count for name, count in found.items() if count} == {"continuity.py": 2}
