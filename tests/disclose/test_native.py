"""A library in the folder of delivered files is never loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from personactl.disclose import native
from personactl.errors import EnvironmentProblem

NAME = native.packaged_library().name


def plant(folder: Path) -> None:
    """A library that says when it is loaded, in every place that c2pa-python looks into before its own package."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    for place in (folder, folder / "libs", folder / "artifacts"):
        place.mkdir(exist_ok=True)
        target = place / NAME
        if compiler is None:
            target.write_bytes(b"not a library")
            continue
        source = folder / "planted.c"
        source.write_text(
            "#include <stdio.h>\n#include <stdlib.h>\n"
            '__attribute__((constructor)) void loaded(void) { fopen("loaded", "w"); }\n'
        )
        subprocess.run([compiler, "-shared", "-fPIC", "-o", str(target), str(source)], check=True)


def verify_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", *words], cwd=folder, capture_output=True, text=True, check=False, env=dict(os.environ)
    )


def test_the_bare_library_would_load_what_was_planted(tmp_path: Path) -> None:
    plant(tmp_path)
    done = verify_in(tmp_path, "-c", "import c2pa")
    assert done.returncode != 0 or (tmp_path / "loaded").exists(), "c2pa-python no longer looks here: drop native.py"


def test_verify_in_a_folder_with_a_planted_library_does_not_load_it(tmp_path: Path) -> None:
    plant(tmp_path)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = verify_in(tmp_path, "-m", "personactl", "verify", "a.png")
    assert done.returncode in (4, 6), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "loaded").exists()


def test_the_variable_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(native.VARIABLE, "mine")
    with native.only_packaged_library():
        assert Path(os.environ[native.VARIABLE]).is_absolute()
    assert os.environ[native.VARIABLE] == "mine"
    monkeypatch.delenv(native.VARIABLE)
    with native.only_packaged_library():
        pass
    assert native.VARIABLE not in os.environ


def test_a_package_without_a_library_that_loads_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c2pa").mkdir()
    (tmp_path / "c2pa" / "__init__.py").touch()
    spec = native.importlib.util.spec_from_file_location("c2pa", tmp_path / "c2pa" / "__init__.py")
    monkeypatch.setattr(native.importlib.util, "find_spec", lambda _name: spec)
    with pytest.raises(EnvironmentProblem) as missing:
        native.packaged_library()
    (tmp_path / "c2pa" / NAME).write_bytes(b"not a library")
    with pytest.raises(EnvironmentProblem) as broken:
        native.packaged_library()
    assert missing.value.code == broken.value.code == "c2pa.library-unfit"
    assert "missing" in missing.value.message
    assert "does not load" in broken.value.message
