"""The wheel: what is in it, and that it works where the repository is not."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the tree."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(repository)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the wheel and this environment's libraries, without the checkout."""
    folder = tmp_path_factory.mktemp("clean")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    site = next((folder / "lib").glob("python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for library in Path(next(p for p in sys.path if p.endswith("site-packages"))).iterdir():
        ours = library.name.startswith("personactl") or library.name.startswith("__editable__")
        if ours or library.suffix == ".pth" or (site / library.name).exists():
            continue
        (site / library.name).symlink_to(library)
    return folder / "bin" / "python"


def test_the_wheel_holds_both_packages_the_policies_the_pack_and_nothing_of_the_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "personactl/policies/baseline.toml",
        "personactl/pocket_pack/pack.json",
        "personactl/demo_persona/hero.png",
        "personactl_ledger/__init__.py",
        "personactl_ledger/schema.sql",
        "personactl_ledger/SPEC.md",
        "personactl_ledger/predicates.md",
        "personactl_ledger/verify_ledger.py",
    ):
        assert needed in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"personactl", "personactl_ledger"}
    assert not [name for name in names if name.endswith((".key", ".pem", ".pyc"))]


def test_an_installed_wheel_initialises_a_project_and_plans_outside_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    def personactl(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(installed), "-I", "-m", "personactl", *arguments], cwd=cwd, capture_output=True, text=True, check=False
        )

    where = subprocess.run(
        [str(installed), "-I", "-c", "import personactl, personactl_ledger; print(personactl.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert str(installed.parents[1]) in where
    for command in (["init", "project"],):
        done = personactl(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    project = tmp_path / "project"
    for command in (
        ["persona", "freeze", "lira@1"],
        ["plan", "manifests/spring.toml"],
        ["policy", "list"],
        ["ledger", "check"],
        ["ledger", "export", "-o", "exported"],
    ):
        done = personactl(*command, cwd=project)
        assert done.returncode == 0, (command, done.stderr)
