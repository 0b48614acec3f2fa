"""Reading untrusted files: what is opened, what is refused, and that nothing waits."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from personactl.disclose import formats
from personactl.verify.opening import (
    EXTENSIONS,
    RefusedError,
    begins_as_picture,
    extension_fits,
    open_source,
    read_plain,
    sniff,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20
WEBP = b"RIFF\0\0\0\0WEBP" + b"\0" * 20


def code_of(path: Path) -> str:
    source = open_source(path, str(path))
    assert source.problem is not None
    return source.problem.code


def test_a_picture_is_read_with_its_digest_and_type(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    source = open_source(path, "shown")
    assert (source.path, source.data, source.media_type, source.problem) == ("shown", PNG, "image/png", None)
    assert len(source.sha256) == 64


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (WEBP, "image/webp"),
        (b"II*\0" + bytes(20), "image/tiff"),
        (b"MM\0+\0\x08\0\0" + bytes(20), "image/tiff"),
        (b"\0\0\0\x10ftypavif\0\0\0\0", "image/avif"),
        (b"\0\0\0\x10ftypisom\0\0\0\0", "video/mp4"),
        (b"\0\0\0\x10ftypqt  \0\0\0\0", "video/quicktime"),
        (b"\0\0\0\x10ftypheic\0\0\0\0", None),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"GIF89a", None),
        (b"", None),
    ],
)
def test_the_type_is_what_the_first_bytes_say(data: bytes, expected: str | None) -> None:
    assert sniff(data) == expected


def test_a_missing_an_empty_and_a_text_file_each_say_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("hello")
    assert code_of(tmp_path / "none.png") == "verify.not-found"
    assert code_of(tmp_path / "empty.png") == "verify.unreadable"
    assert code_of(tmp_path / "text.png") == "verify.unsupported-type"


def test_a_name_that_is_too_long_or_lies_under_a_file_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    assert code_of(tmp_path / ("x" * 256)) == "verify.not-found"
    assert code_of(tmp_path / "a.png" / "b.png") == "verify.not-found"


def test_links_folders_pipes_sockets_and_devices_are_refused_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("link.png", "loop.png", "folder.png", "pipe.png"):
        assert code_of(tmp_path / name) == "verify.not-a-plain-file"
    assert code_of(Path("/dev/zero")) == "verify.not-a-plain-file"
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "s"))
        assert code_of(tmp_path / "s") == "verify.not-a-plain-file"


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(101)
    with pytest.raises(RefusedError, match="more than 100 bytes") as caught:
        read_plain(path, 100)
    assert caught.value.code == "verify.too-large"
    assert len(read_plain(path, 101)) == 101


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(RefusedError, match="can have this name"):
        read_plain(Path("a\0b"), 10)


def test_begins_as_picture_looks_at_plain_files_only(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(JPEG)
    (tmp_path / "b.json").write_text("{}")
    os.mkfifo(tmp_path / "pipe.json")
    assert begins_as_picture(tmp_path / "a.json")
    assert not begins_as_picture(tmp_path / "b.json")
    assert not begins_as_picture(tmp_path / "pipe.json")
    assert not begins_as_picture(tmp_path / "none.json")


def test_every_type_that_is_read_has_its_names() -> None:
    assert set(EXTENSIONS) == {row.media_type for row in (*formats.FORMATS, *formats.CLIPS)}


@pytest.mark.parametrize(
    ("name", "media_type", "fits"),
    [
        ("a.PNG", "image/png", True),
        ("a.jpeg", "image/jpeg", True),
        ("a.png", "image/jpeg", False),
        ("a", "image/png", False),
    ],
)
def test_extensions(name: str, media_type: str, fits: bool) -> None:
    assert extension_fits(Path(name), media_type) is fits
