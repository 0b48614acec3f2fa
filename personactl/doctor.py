"""What this machine and this project offer, as data: one Check for each thing that can be missing or wrong.

Nothing here prints, repairs or reaches the network. A thing that only some commands need is a warning, not an error.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from ctypes.util import find_library
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Literal

from personactl import __version__
from personactl.errors import EXIT_ENVIRONMENT, EXIT_KEYS, PersonactlError, worst_exit

State = Literal["ok", "warning", "error"]
BASE = (
    "click", "cryptography", "sqlite-utils", "rfc3161-client", "c2pa-python", "piexif", "numpy", "scipy", "pillow",
    "isal", "iscc-lib",
)  # fmt: skip
GENERATE = ("torch", "diffusers", "transformers", "onnxruntime", "insightface", "opencv-python-headless")
_TWIN = {"opencv-python-headless": "opencv-python"}
LOW_DISK_BYTES = 1_000_000_000
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
CLOCK_SLACK = timedelta(minutes=2)
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


def examine(start: Path, environ: Mapping[str, str], *, deep: bool = False) -> tuple[Check, ...]:
    """Every check: of the machine, then of the project that holds `start` when there is one.

    `deep` also imports torch to ask for the GPU, which takes seconds.
    """
    looks: dict[str, Callable[[], Iterator[Check]]] = {
        "program": _program,
        "packages": _packages,
        "gpu": lambda: _device(deep),
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
    yield from _opencv()
    missing = [name for name in GENERATE if _version(name) is None and _version(_TWIN.get(name, name)) is None]
    if missing:
        hint = "pip install 'personactl[generate]'"
        value = f"not installed, so this machine cannot run campaigns: {', '.join(missing)}"
        yield Check(name="generate", state="warning", value=value, hint=hint)
    else:
        yield Check(
            name="generate",
            state="ok",
            value=", ".join(f"{name} {_version(name) or _version(_TWIN.get(name, name))}" for name in GENERATE),
        )


def _opencv() -> Iterator[Check]:
    """Both builds of OpenCV install the same package, and the full one needs libGL, which slim containers lack."""
    full, headless = _version("opencv-python"), _version("opencv-python-headless")
    if full is not None and headless is not None:
        hint = "pip uninstall opencv-python && pip install --force-reinstall --no-deps opencv-python-headless"
        yield Check(name="opencv", state="warning", value="two builds over each other", hint=hint)
    elif full is not None and find_library("GL") is None:
        hint = "pip uninstall opencv-python && pip install opencv-python-headless"
        yield Check(name="opencv", state="warning", value="the full build, but this machine has no libGL", hint=hint)


def _device(deep: bool) -> Iterator[Check]:
    """The GPU as torch sees it."""
    if importlib.util.find_spec("torch") is None:
        return
    if not deep:
        yield Check(name="gpu", state="ok", value="not looked at (--deep asks torch)")
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
        if found is None:
            return "no pack.json"
        gate = found.calibration
        rate = f"false accepts {gate.far} (at most {gate.far_upper95})" if gate.far else "no measured rate"
        about = f"{found.name} {found.version}, {found.license}, digests match"
        return f"{about}; threshold {gate.threshold}, {rate}"

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
    yield from _keys(found.keys_path, found.ledger_path)
    yield _attempt("ledger", lambda: _ledger(found.project, found.ledger_path))
    yield from _folder(found.project)
    yield _clock(found.ledger_path)


def _keys(folder: Path, ledger: Path) -> Iterator[Check]:
    from personactl import keys

    told = [finding for finding in keys.check(folder, ledger=ledger) if finding.severity != "info"]
    for finding in told:
        state: State = "error" if finding.severity == "error" else "warning"
        yield Check(name="keys", state=state, value=finding.message, hint=finding.hint, exit_code=EXIT_KEYS)
    if not told:
        yield _attempt(
            "keys", lambda: "development keys, not for release" if keys.load(folder).development else "sound"
        )


def _ledger(project: Path, path: Path) -> str:
    from personactl_ledger import Ledger

    from personactl.continuity import check_ledger

    with Ledger.open_reader(path) as ledger:
        check_ledger(ledger, project, path)
        return f"{ledger.size} entries, {ledger.origin}"


def _folder(folder: Path) -> Iterator[Check]:
    if not os.access(folder, os.W_OK):
        yield Check(
            name="folder", state="error", value="the project cannot be written", hint="check its owner and mode"
        )
    mask = os.umask(0o077)
    os.umask(mask)
    if mask & 0o022 != 0o022:
        value, hint = f"umask {mask:04o}: others may write what is made here", "umask 022"
        yield Check(name="umask", state="warning", value=value, hint=hint)
    yield _disk(folder)


def _clock(ledger: Path) -> Check:
    """Entries carry this machine's time. It may not lie before this release, or before the ledger's last change."""
    now = datetime.now(UTC)
    last = datetime.fromtimestamp(ledger.stat().st_mtime, UTC) if ledger.exists() else now
    value = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if now >= RELEASED and now + CLOCK_SLACK >= last:
        return Check(name="clock", state="ok", value=value)
    return Check(name="clock", state="warning", value=f"{value} lies in the past", hint="set the clock, then run again")


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
