"""A worker that does what the name of the file tells it, for tests: each is what a hostile file could bring about."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from personactl.verify import inspection, worker
from personactl.verify.limits import Limits
from personactl.verify.opening import open_source

START = (
    "import sys; sys.path[:] = {path!r}\n"
    "from personactl.verify.limits import Limits\n"
    "import broken_worker; broken_worker.main(Limits(**{limits}))"
)


def crash() -> None:
    ctypes.string_at(0)


def hang() -> None:
    signal.pause()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(3)


def babble() -> None:
    os.write(1, b"\x00\x00\x00\x04nope")
    signal.pause()


def flood() -> None:
    os.write(1, b"\xff" * 64)
    signal.pause()


def lie() -> None:
    from personactl.verify import wire

    verdict = inspection.unread("/some/other.png", "verify.not-found", "", inspection.Demands())
    os.write(1, wire.frame({"verdict": verdict}))
    signal.pause()


def exhaust() -> None:
    bytearray(1 << 45)


def exhaust_in_rust() -> None:
    os.write(2, b"memory allocation of 123456789 bytes failed\n")
    os.abort()


def fail() -> None:
    raise KeyError("a fault of ours")


def write() -> None:
    """What a file that took over its worker would try: to leave something behind."""
    with Path(os.environ["TMPDIR"], "left-behind").open("wb") as file:
        file.write(b"x")


ACTS: tuple[Callable[[], None], ...] = (
    crash, hang, die, leave, babble, flood, lie, exhaust, exhaust_in_rust, fail, write,
)  # fmt: skip


def opening(path: Path, *given: Any, **named: Any) -> Any:
    for act in ACTS:
        if path.stem == act.__name__:
            act()
    return open_source(path, *given, **named)


def main(limits: Limits) -> None:
    inspection.open_source = opening
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    worker.main(limits)
