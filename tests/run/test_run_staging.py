"""Staging and publishing against a hostile or failing file system."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from personactl.errors import ConflictError, IntegrityError, StorageError
from personactl.run.folders import Folder
from personactl.run.staging import Staging, file_sha256

DATA = b"picture" * 1000
SHA = hashlib.sha256(DATA).hexdigest()
ENTRY = "0123456789abcdef" * 2


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    found = Staging(tmp_path)
    yield found
    found.close()


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Folder]:
    with Folder.open(tmp_path, "out", "run-1") as folder:
        yield folder


def test_a_staged_file_becomes_visible_under_its_name_only(tmp_path: Path, staging: Staging, out: Folder) -> None:
    staging.stage(ENTRY, DATA, SHA)
    assert staging.staged() == [ENTRY]
    assert list((tmp_path / "out/run-1").iterdir()) == []
    staging.publish(ENTRY, SHA, out, "a-0.png")
    staging.discard(ENTRY)
    assert (tmp_path / "out/run-1/a-0.png").read_bytes() == DATA
    assert staging.staged() == []


def test_publishing_never_replaces_another_file(tmp_path: Path, staging: Staging, out: Folder) -> None:
    (tmp_path / "out/run-1/a-0.png").write_bytes(b"older")
    staging.stage(ENTRY, DATA, SHA)
    with pytest.raises(ConflictError) as caught:
        staging.publish(ENTRY, SHA, out, "a-0.png")
    assert (caught.value.code, caught.value.exit_code) == ("conflict.name-taken", 10)
    assert (tmp_path / "out/run-1/a-0.png").read_bytes() == b"older"
    assert staging.sha256(ENTRY) == SHA


def test_publishing_twice_is_publishing_once(staging: Staging, out: Folder) -> None:
    staging.stage(ENTRY, DATA, SHA)
    staging.publish(ENTRY, SHA, out, "a-0.png")
    staging.publish(ENTRY, SHA, out, "a-0.png")
    assert file_sha256(out, "a-0.png") == SHA


@pytest.mark.parametrize("target", ["folder", "dangling"])
def test_a_linked_out_folder_is_refused(tmp_path: Path, target: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    if target == "folder":
        elsewhere.mkdir()
    (tmp_path / "out").symlink_to(elsewhere)
    with pytest.raises(StorageError) as caught:
        Folder.open(tmp_path, "out", "run-1")
    assert caught.value.code in ("storage.linked-folder", "storage.failed")
    assert not (elsewhere / "run-1").exists()


def test_a_linked_run_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/run-1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError) as caught:
        Folder.open(tmp_path, "out", "run-1")
    assert caught.value.code == "storage.linked-folder"


def test_a_project_reached_through_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    Folder.open(tmp_path / "linked", "out").close()
    assert (tmp_path / "real/out").is_dir()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b.png", "/etc/x", "a\0b"])
def test_only_plain_names_are_published(staging: Staging, out: Folder, name: str) -> None:
    staging.stage(ENTRY, DATA, SHA)
    with pytest.raises(ConflictError) as caught:
        staging.publish(ENTRY, SHA, out, name)
    assert caught.value.code == "conflict.bad-name"


def test_a_linked_file_has_no_digest(tmp_path: Path, out: Folder) -> None:
    (tmp_path / "target").write_bytes(DATA)
    (tmp_path / "out/run-1/link.png").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "out/run-1/pipe.png")
    assert file_sha256(out, "link.png") is None
    assert file_sha256(out, "pipe.png") is None
    assert file_sha256(out, "missing.png") is None


def test_an_entry_id_is_staged_once(staging: Staging) -> None:
    staging.stage(ENTRY, DATA, SHA)
    with pytest.raises(StorageError):
        staging.stage(ENTRY, b"other", hashlib.sha256(b"other").hexdigest())


def test_bytes_that_do_not_read_back_are_not_kept(staging: Staging) -> None:
    with pytest.raises(IntegrityError) as caught:
        staging.stage(ENTRY, DATA, "00" * 32)
    assert caught.value.code == "integrity.staged"
    assert staging.staged() == []


CODES = {errno.ENOSPC: "storage.full", errno.EROFS: "storage.read-only", errno.EIO: "storage.failed"}


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "failed-but-persisted"])
@pytest.mark.parametrize("call", ["write", "fsync", "link"])
def test_a_failing_call_is_a_storage_error_and_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, staging: Staging, out: Folder, call: str, persisted: bool, number: int
) -> None:
    real, calls = getattr(os, call), []

    def failing(*arguments: Any, **keywords: Any) -> Any:
        calls.append(call)
        if persisted:
            real(*arguments, **keywords)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(StorageError) as caught:
        staging.stage(ENTRY, DATA, SHA)
        staging.publish(ENTRY, SHA, out, "a-0.png")
    assert (caught.value.code, caught.value.exit_code, len(calls)) == (CODES[number], 8, 1)


def test_a_file_system_without_hard_links_is_named(
    monkeypatch: pytest.MonkeyPatch, staging: Staging, out: Folder
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    staging.stage(ENTRY, DATA, SHA)
    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(StorageError) as caught:
        staging.publish(ENTRY, SHA, out, "a-0.png")
    assert caught.value.code == "storage.no-link"


def test_a_read_only_project_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(StorageError) as caught:
        Staging(tmp_path)
    assert (caught.value.code, caught.value.exit_code) == ("storage.read-only", 8)


def test_a_receipt_is_replaced_whole(tmp_path: Path, staging: Staging, out: Folder) -> None:
    staging.replace(b"first", out, "a-0.png.receipt")
    staging.replace(b"second", out, "a-0.png.receipt")
    assert (tmp_path / "out/run-1/a-0.png.receipt").read_bytes() == b"second"
    assert list((tmp_path / ".personactl/staging").iterdir()) == []


def test_half_a_receipt_is_swept(tmp_path: Path, staging: Staging) -> None:
    (tmp_path / ".personactl/staging/receipt-00").write_bytes(b"half")
    staging.stage(ENTRY, DATA, SHA)
    staging.sweep()
    assert staging.staged() == [path.name for path in (tmp_path / ".personactl/staging").iterdir()] == [ENTRY]


def test_quarantine_keeps_the_bytes_and_never_overwrites(tmp_path: Path, staging: Staging, out: Folder) -> None:
    for content in (b"one", b"two"):
        (tmp_path / "out/run-1/x.png").write_bytes(content)
        staging.quarantine(out, "x.png")
    kept = sorted(path.read_bytes() for path in (tmp_path / ".personactl/quarantine").rglob("x.png"))
    assert kept == [b"one", b"two"]


def test_the_working_folder_is_for_its_owner_only(tmp_path: Path, staging: Staging) -> None:
    assert (tmp_path / ".personactl").stat().st_mode & 0o777 == 0o700
