"""The real program on a real (pseudo) terminal: width, colour, and what NO_COLOR changes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from transcripts import environment

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def on_screen(arguments: list[str], folder: Path, columns: int, **changes: str) -> str:
    """What `personactl` writes to a terminal of that many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = {name: value for name, value in environment(folder).items() if name != "COLUMNS"}
    with subprocess.Popen(
        [sys.executable, "-m", "personactl", *arguments],
        cwd=folder, env={**known, "TERM": "xterm", **changes}, stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        written = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says EIO when the other side is closed
                break
            if not chunk:
                break
            written += chunk
        process.wait(timeout=60)
    os.close(ours)
    return written.decode()


@pytest.mark.parametrize("columns", [50, 80])
def test_long_text_fits_the_terminal(columns: int, tmp_path: Path) -> None:
    rows = ANSI.sub("", on_screen(["policy", "list"], tmp_path, columns)).splitlines()
    assert max(map(len, rows)) <= columns
    prose = ANSI.sub("", on_screen(["plan", "none.toml"], tmp_path, columns)).splitlines()
    assert [row for row in prose if row.startswith("  help: ") and len(row) > columns] == []


def test_colour_is_there_and_no_color_takes_it_away(tmp_path: Path) -> None:
    colored = on_screen(["verify", "none.png"], tmp_path, 80)
    bare = on_screen(["verify", "none.png"], tmp_path, 80, NO_COLOR="1")
    assert "\x1b[31mERROR\x1b[0m" in colored
    assert "\x1b" not in bare
    assert ANSI.sub("", colored) == bare


def test_a_dumb_terminal_gets_plain_text(tmp_path: Path) -> None:
    assert "\x1b" not in on_screen(["verify", "none.png"], tmp_path, 80, TERM="dumb")
