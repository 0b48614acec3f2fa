"""What this machine and this project offer, as data: one Check for each thing that can be missing or wrong.

Nothing here prints, repairs or reaches the network. A thing that only some commands need is a warning, not an error.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from personactl import __version__
from personactl.errors import EXIT_ENVIRONMENT, EXIT_KEYS, PersonactlError, worst_exit

State = Literal["ok", "warning", "error"]
BASE = (
    "click", "cryptography", "sqlite-utils", "c2pa-python", "piexif", "numpy", "scipy", "pillow", "isal", "iscc-lib",
)  # fmt: skip
GENERATE = ("torch", "diffusers", "transformers", "onnxruntime", "insightface", "opencv-python-headless")
LOW_DISK_BYTES = 1_000_000_000
BROKEN_WAL_BELOW = (3, 51, 3)
"""SQLite 3.7.0 to 3.51.2 can corrupt a database when a WAL file is reset (sqlite.org/wal.html, "WAL-reset bug")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at. `value` is what was found; `exit_code` is what an error of it stands for."""

    name: str
    state: State
    value: str
    hint: str = ""
    exit_code: int = EXIT_ENVIRONMENT


def examine(start: Path, environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Every check: of the machine, then of the project that holds `start` when there is one."""
    looks: dict[str, Callable[[], Iterator[Check]]] = {
        "program": _program,
        "packages": _packages,
        "gpu": _device,
        "weights": _weights,
        "project": lambda: _project(start),
        "trust": lambda: _trust(environ),
    }
    return tuple(check for name, look in looks.items() for check in _guarded(name, look))


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """The checks of one area. A broken installation may fail anywhere, and then the other areas matter most."""
    try:
        yield from look()
    except Exception as error:
        yield Check(name=name, state="error", value=f"{type(error).__name__}: {error}", hint="install personactl again")


def exit_code(checks: tuple[Check, ...]) -> int:
    """0 without errors, else the worst of their codes."""
    return worst_exit([check.exit_code for check in checks if check.state == "error"])


def _program() -> Iterator[Check]:
    system = f"{platform.system()} {platform.machine()}"
    yield Check(name="personactl", state="ok", value=__version__)
    yield Check(name="python", state="ok", value=f"{platform.python_version()} on {system}")
    broken = sqlite3.sqlite_version_info < BROKEN_WAL_BELOW
    note = "has the WAL-reset bug; the ledger uses a journal mode that it does not touch" if broken else ""
    yield Check(name="sqlite", state="ok", value=f"{sqlite3.sqlite_version} {note}".rstrip())


def _packages() -> Iterator[Check]:
    for name in BASE:
        version = _version(name)
        if version is None:
            yield Check(name=name, state="error", value="missing", hint="pip install personactl")
        else:
            yield Check(name=name, state="ok", value=version)
    missing = [name for name in GENERATE if _version(name) is None]
    if missing:
        hint = "pip install 'personactl[generate]'"
        value = f"not installed, so this machine cannot run campaigns: {', '.join(missing)}"
        yield Check(name="generate", state="warning", value=value, hint=hint)
    else:
        yield Check(name="generate", state="ok", value=", ".join(f"{name} {_version(name)}" for name in GENERATE))


def _device() -> Iterator[Check]:
    """The GPU as torch sees it. Importing torch takes seconds, so only this check does it."""
    if importlib.util.find_spec("torch") is None:
        return
    try:
        import torch

        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    except (ImportError, OSError, RuntimeError) as error:
        yield Check(name="gpu", state="error", value=f"torch cannot be used: {error}", hint="install torch again")
        return
    yield Check(name="gpu", state="ok", value=", ".join(names) or "none; pictures are made on the CPU")


def _weights() -> Iterator[Check]:
    from personactl.weights import open_folder, pocket_folder, read_pack

    def pack() -> str:
        found = read_pack(open_folder(pocket_folder()))
        return "no pack.json" if found is None else f"{found.name} {found.version}, {found.license}, digests match"

    yield _attempt("pocket pack", pack, warn=True)


def _project(start: Path) -> Iterator[Check]:
    from personactl import config

    try:
        found = config.find(start)
    except PersonactlError as error:
        missing = error.code == "config.missing"
        state: State = "warning" if missing else "error"
        yield Check(name="project", state=state, value=error.message, hint=error.hint or "", exit_code=error.exit_code)
        return
    yield Check(name="project", state="ok", value=str(found.project))
    yield from _keys(found.keys_path)
    yield _attempt("ledger", lambda: _ledger(found.ledger_path))
    yield _disk(found.project)


def _keys(folder: Path) -> Iterator[Check]:
    from personactl import keys

    told = [finding for finding in keys.check(folder) if finding.severity != "info"]
    for finding in told:
        state: State = "error" if finding.severity == "error" else "warning"
        yield Check(name="keys", state=state, value=finding.message, hint=finding.hint, exit_code=EXIT_KEYS)
    if not told:
        yield _attempt(
            "keys", lambda: "development keys, not for release" if keys.load(folder).development else "sound"
        )


def _ledger(path: Path) -> str:
    from personactl_ledger import Ledger

    with Ledger.open_reader(path) as ledger:
        return f"{ledger.size} entries, {ledger.origin}"


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    state: State = "ok" if free >= LOW_DISK_BYTES else "warning"
    return Check(name="disk", state=state, value=f"{free / 1e9:.1f} GB free", hint="" if state == "ok" else "make room")


def _trust(environ: Mapping[str, str]) -> Iterator[Check]:
    from personactl.keys import trust_store

    def accepted() -> str:
        return ", ".join(item.name for item in trust_store.list_all(environ)) or "none accepted yet"

    yield _attempt("trust", accepted)


def _attempt(name: str, look: Callable[[], str], *, warn: bool = False) -> Check:
    """`look()` as a check; a known error becomes its state instead of ending the others."""
    from personactl_ledger.errors import LedgerError

    try:
        return Check(name=name, state="ok", value=look())
    except (PersonactlError, LedgerError) as error:
        state: State = "warning" if warn else "error"
        return Check(name=name, state=state, value=error.message, hint=error.hint or "", exit_code=error.exit_code)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
