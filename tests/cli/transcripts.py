"""A tiny runner for text scripts of the command line, in the manner of Go's testscript.

    exec personactl plan m.toml          run it; it must exit 0
    exit 2 personactl plan m.toml        run it; it must exit 2
    stdout REGEX      stderr REGEX       the last command printed a match (multi-line mode)
    ! stdout REGEX    ! stderr REGEX     … printed none;   `! stdout` and `! stderr` alone: printed nothing
    schema NAME                          stdout is one JSON document with this schema
    exists PATH…      ! exists PATH…     files that are there, or not
    empty DIR                            a folder without entries
    grep REGEX FILE                      the file's text has a match
    env NAME=VALUE    cd DIR    rm PATH    cp FROM TO    for what follows
    -- NAME --                           the lines until the next marker are the file NAME, written before the script

`#` begins a comment. Arguments are split as a POSIX shell does; nothing is expanded but `\\xNN` in names.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

_FILE = re.compile(r"^-- (.+) --$")
_KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "HF_HUB_OFFLINE", "VIRTUAL_ENV")


def environment(home: Path) -> dict[str, str]:
    """What a command sees: a home of its own, no colour settings, no trust of whoever runs the tests."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8", "COLUMNS": "100"}


@dataclass
class Machine:
    """The state of one script: where it stands, its environment, and what the last command said."""

    folder: Path
    environment: dict[str, str]
    code: int = 0
    stdout: str = ""
    stderr: str = ""
    commands: int = field(default=0)

    def run(self, arguments: list[str], expected: int) -> None:
        program, *rest = arguments
        assert program == "personactl", f"scripts run personactl only, not {program}"
        done = subprocess.run(
            [sys.executable, "-m", "personactl", *map(_unescape, rest)],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
        self.code, self.commands = done.returncode, self.commands + 1
        self.stdout, self.stderr = (stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr))
        assert self.code == expected, f"exit {self.code}, expected {expected}\n{self.stdout}\n{self.stderr}"

    def step(self, line: str) -> None:
        """One line of a script. Raises AssertionError when it does not hold."""
        words = shlex.split(line)
        wanted = words[0] != "!"
        verb, *rest = words if wanted else words[1:]
        if verb == "exec":
            self.run(rest, 0)
        elif verb == "exit":
            self.run(rest[1:], int(rest[0]))
        elif verb in ("stdout", "stderr"):
            self._printed(verb, rest, wanted)
        elif verb == "exists":
            assert [name for name in rest if self._there(name) is not wanted] == []
        else:
            assert wanted, f"`!` has no meaning before {verb}"
            {"schema": self._schema, "empty": self._empty, "grep": self._grep, "env": self._env, "cd": self._cd,
             "rm": self._rm, "cp": self._cp}[verb](*rest)  # fmt: skip

    def _printed(self, stream: str, patterns: list[str], wanted: bool) -> None:
        text = getattr(self, stream)
        if not patterns:
            assert bool(text) is wanted, f"{stream} is {text!r}"
        for pattern in patterns:
            assert bool(re.search(pattern, text, re.MULTILINE)) is wanted, f"{stream}: {pattern!r} in\n{text}"

    def _schema(self, name: str) -> None:
        document = json.loads(self.stdout)
        assert document["schema"] == name, document

    def _there(self, name: str) -> bool:
        return os.path.lexists(self.folder / _unescape(name))

    def _empty(self, name: str) -> None:
        assert [entry.name for entry in (self.folder / name).iterdir()] == []

    def _grep(self, pattern: str, name: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert re.search(pattern, text, re.MULTILINE), f"{pattern!r} in\n{text}"

    def _env(self, assignment: str) -> None:
        name, _, value = assignment.partition("=")
        self.environment[name] = value

    def _cd(self, name: str) -> None:
        self.folder = self.folder / name

    def _cp(self, source: str, target: str) -> None:
        shutil.copyfile(self.folder / source, self.folder / target)

    def _rm(self, name: str) -> None:
        path = self.folder / _unescape(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def play(script: Path, folder: Path, environment: dict[str, str]) -> Machine:
    """Write the script's files into `folder` and run it there. A failing line is named in the error."""
    lines = script.read_text(encoding="utf-8").splitlines()
    first = next((number for number, line in enumerate(lines) if _FILE.match(line)), len(lines))
    _write_files(lines[first:], folder)
    machine = Machine(folder=folder, environment=environment)
    for number, line in enumerate(lines[:first], start=1):
        if line.strip() and not line.startswith("#"):
            try:
                machine.step(line)
            except AssertionError as error:
                raise AssertionError(f"{script.name}:{number}: {line}\n{error}") from None
    assert machine.commands, f"{script.name} runs nothing"
    return machine


def _write_files(lines: list[str], folder: Path) -> None:
    target: Path | None = None
    for line in lines:
        marker = _FILE.match(line)
        if marker:
            target = folder / _unescape(marker[1])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("", encoding="utf-8")
        elif target is not None:
            with target.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


def _unescape(text: str) -> str:
    """`\\x1b` in a name or argument as that character."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text)
