"""Projects to run commands in: one with finished pictures (drawn, by the real chain), one with a random model pack."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from transcripts import Machine, environment

TESTS = Path(__file__).resolve().parents[1]

MANIFEST = """\
schema = 1
[campaign]
id = "spring"
persona = "lira@1"
[model]
path = "models/random"
steps = 2
[identity]
threshold = -1.0
attempts = 1
[[shot]]
id = "rain"
prompt = "in the rain"
count = 2
"""


def _borrowed(room: str, name: str) -> ModuleType:
    """A helper module of another room's tests."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, TESTS / room / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def _workshop() -> Any:
    _borrowed("run", "drawn_backend")
    return _borrowed("run", "workshop")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only. A project with one run of two pictures, its trust file beside it. `out/` has one folder."""
    from personactl import keys

    workshop = _workshop()
    folder = tmp_path_factory.mktemp("finished") / "project"
    folder.mkdir()
    workshop.found(folder)
    shop = workshop.Workshop(folder)
    shop.run(workshop.text("rain*2: in the rain"))
    origin = shop.ledger(kind="run-open")[0].entry.predicate["origin"]
    trust = keys.export_trust(shop.keyset, name="Studio", origin=origin, detector="", now=workshop.NOW)
    (folder / "trust.json").write_bytes(trust)
    return folder


@pytest.fixture(scope="session")
def undisclosed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only. A folder with trust.json and said.png, which its key signed without the AI disclosure."""
    studio = _borrowed("verify", "studio")
    folder = tmp_path_factory.mktemp("undisclosed")
    ours = studio.make(folder, organisation="Studio", domain="studio.example", formats=(), first=1)
    claim = studio.without(studio.claim(ours), "c2pa.ai-disclosure")
    (folder / "said.png").write_bytes(studio.sign(ours, claim))
    (folder / "trust.json").write_bytes(ours.trust_bytes)
    return folder


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only. A project with a frozen persona, a random model pack in models/random, and manifests/spring.toml."""
    folder = tmp_path_factory.mktemp("founded") / "project"
    folder.mkdir()
    _workshop().found(folder)
    _borrowed("generate", "random_pack").build_pack(folder / "models" / "random")
    (folder / "manifests").mkdir()
    (folder / "manifests" / "spring.toml").write_text(MANIFEST)
    return folder


@pytest.fixture
def machine_in(tmp_path: Path) -> Callable[[Path], Machine]:
    """A machine that works in a copy of a project."""

    def make(project: Path) -> Machine:
        folder = tmp_path / "project"
        shutil.copytree(project, folder)
        return Machine(folder=folder, environment=environment(tmp_path))

    return make


@pytest.fixture(scope="session")
def bench() -> ModuleType:
    """The time-stamp authority of the ledger's tests."""
    return _borrowed("ledger", "tsa_bench")
