"""The README's transcript: run for real, written by `python tests/readme.py`, compared by `test_readme.py`."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(r"(<!-- transcript -->\n```console\n)(.*?)(```\n<!-- /transcript -->)", re.DOTALL)

# Each line is typed as it stands; `cd` is the shell's, everything else is personactl.
COMMANDS = (
    "personactl init brand",
    "cd brand",
    "personactl persona freeze lira@1",
    "personactl plan manifests/first.toml",
    "personactl run manifests/first.toml",
    "personactl verify out --trust trust.json",
    "personactl ledger check",
)

# What differs from machine to machine or from run to run, and is not the point of the transcript.
VARIABLE = (
    (re.compile(r"\b[0-9a-f]{8,64}\b"), "<hex>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
    (re.compile(r"-?\d+\.\d+"), "<number>"),
    (re.compile(r"#\d+"), "#<index>"),
    (re.compile(r"\b\d+ (entries|checkpoints|signed|s|ms|min|MB|kB)\b"), r"<count> \1"),
    (re.compile(r"[ \t]+"), " "),
)


PROGRESS = re.compile(r"\s*\d+ %  \d+ of \d+")


def transcript(folder: Path) -> str:
    """Run the commands in `folder`; what a reader's terminal would show, stdout and stderr together."""
    lines: list[str] = []
    where = folder
    for command in COMMANDS:
        lines.append(f"$ {command}")
        program, *arguments = shlex.split(command)
        if program == "cd":
            where = where / arguments[0]
            continue
        done = subprocess.run(
            [sys.executable, "-m", "personactl", *arguments],
            cwd=where, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        lines += done.stdout.rstrip("\n").split("\n")
        if done.returncode:
            lines.append(f"(exit {done.returncode})")
    # On a terminal these lines are one bar; how many there are depends on the machine's speed.
    kept = [line.rstrip() for line in lines if not PROGRESS.match(line)]
    return "\n".join(kept) + "\n"


def comparable(text: str) -> list[str]:
    """The transcript's lines with variable parts replaced."""
    for pattern, placeholder in VARIABLE:
        text = pattern.sub(placeholder, text)
    return [line.strip() for line in text.split("\n")]


def shown() -> str:
    """The transcript that the README shows."""
    found = BLOCK.search(README.read_text(encoding="utf-8"))
    assert found, "README.md has no transcript block"
    return found[2]


def write() -> None:
    """Replace the README's block by a fresh transcript."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = transcript(Path(folder))
    text = README.read_text(encoding="utf-8")
    README.write_text(BLOCK.sub(lambda found: found[1] + fresh + found[3], text), encoding="utf-8")


if __name__ == "__main__":
    write()
