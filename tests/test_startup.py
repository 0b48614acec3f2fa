"""What the command line imports before it knows what to do: as little as possible, measured in fresh interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "diffusers", "transformers", "insightface", "onnxruntime", "rich", "jinja2")
NOT_FOR_HELP = (*HEAVY, "sqlite_utils", "cryptography", "PIL", "numpy", "c2pa", "scipy")

PROBE = """
import json, sys
from personactl import cli
code = cli.execute(json.loads(sys.argv[1]))
print(json.dumps([code, [name for name in sys.modules if "." not in name]]), file=sys.stderr)
"""


def imported(arguments: list[str], folder: Path, **environment: str) -> tuple[int, set[str]]:
    """(exit code, top-level modules) after one command line in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(arguments)],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    code, names = json.loads(done.stderr.strip().splitlines()[-1])
    return code, set(names)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["-h"]])
def test_help_and_version_import_nothing_but_click(arguments: list[str], tmp_path: Path) -> None:
    code, names = imported(arguments, tmp_path)
    assert code == 0
    assert names & set(NOT_FOR_HELP) == set()


def test_help_imports_no_command_module(tmp_path: Path) -> None:
    probe = "import sys; from personactl.cli import execute; execute(['--help']); sys.stderr.write(str([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=tmp_path)
    loaded = {name for name in eval(done.stderr) if name.startswith("personactl.cli.")}  # noqa: S307
    assert loaded == {"personactl.cli.exits", "personactl.cli.root", "personactl.cli.session"}


@pytest.mark.parametrize(
    ("words", "count"), [("personactl ", "1"), ("personactl verify --", "2"), ("personactl le", "1")]
)
def test_completion_imports_nothing_heavy(words: str, count: str, tmp_path: Path) -> None:
    environment = {"_PERSONACTL_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count}
    _, names = imported([], tmp_path, **environment)
    assert names & set(NOT_FOR_HELP) == set()


def test_verify_imports_nothing_that_generation_needs(tmp_path: Path) -> None:
    (tmp_path / "note.png").write_bytes(b"no picture")
    code, names = imported(["verify", "note.png"], tmp_path)
    assert code == 4
    assert "personactl" in names
    assert names & set(HEAVY) == set()
