"""A worker: the one process that opens a stranger's files, takes them apart and decodes them, under limits.

It is a fresh interpreter, not a fork: whoever verifies may have threads. It reads orders from stdin and answers each
on stdout (`wire.py`). It has no other way out: it can write no file, and what it answers is data. It ends when its
parent closes the pipe or dies, at the latest when the alarm rings that each order sets.
"""

from __future__ import annotations

import gc
import math
import os
import pickle
import select
import signal
import sys
import threading
from typing import IO, TYPE_CHECKING, Any

from personactl.errors import PersonactlError
from personactl.verify import wire
from personactl.verify.limits import MAX_BYTES, Limits, out_of_memory

if TYPE_CHECKING:
    from personactl.verify.inspection import Inspection

WATCH_STACK_BYTES = 256 * 1024


def main(limits: Limits) -> None:
    """The whole life of a worker."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):  # a terminal sends them to workers too
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    _end_with_parent()
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    try:
        from personactl.verify.inspection import Inspection  # the libraries, while the parent reads its trust files

        sys.dont_write_bytecode = True
        limits.apply()
        options = pickle.loads(_read(orders))  # noqa: S301 - the parent wrote it, and nobody else writes to this pipe
        inspection = Inspection(**options)
        gc.freeze()  # what was made so far stays: it need not be looked through again
        _answer(answers, {"ready": True})
        _serve(orders, answers, inspection, limits)
    except EOFError:
        return
    except BrokenPipeError:
        os._exit(0)  # nobody is listening any more
    except Exception as error:
        _answer(answers, {"refused": _words(error)})


def _serve(orders: IO[bytes], answers: IO[bytes], inspection: Inspection, limits: Limits) -> None:
    longest = math.ceil(limits.seconds_for(MAX_BYTES)) + 1
    while True:
        body = _read(orders)
        signal.alarm(longest)
        exhausted = False
        try:
            verdict = inspection.judge(wire.target_of(wire.value(body)))
            answer: dict[str, Any] = {"verdict": verdict}
            exhausted = out_of_memory(verdict.findings)
        except Exception as error:  # a fault of ours that this file brings out: the next files go on
            answer = {"fault": f"{type(error).__name__}: {error}"[:300]}
        signal.alarm(0)
        _answer(answers, answer)
        if exhausted:
            return


def _read(orders: IO[bytes]) -> bytes:
    """The body of the next frame. Raises EOFError when the parent has no more."""
    length = orders.read(wire.LENGTH_BYTES)
    if len(length) < wire.LENGTH_BYTES:
        raise EOFError
    return orders.read(int.from_bytes(length, "big"))


def _answer(answers: IO[bytes], value: dict[str, Any]) -> None:
    answers.write(wire.frame(value))
    answers.flush()


def _end_with_parent() -> None:
    """A thread that waits for the other end of stdin to be closed, which the system does for a dead parent too."""
    hung_up = select.poll()
    hung_up.register(0, select.POLLHUP | select.POLLERR)

    def wait() -> None:
        hung_up.poll()
        os._exit(0)

    threading.stack_size(WATCH_STACK_BYTES)
    threading.Thread(target=wait, daemon=True).start()
    threading.stack_size(0)


def _words(error: Exception) -> dict[str, Any]:
    """An error of the machine or the ledger, for the parent to raise again."""
    known = isinstance(error, PersonactlError) or hasattr(error, "exit_code")
    return {
        "code": str(getattr(error, "code", "internal.error")) if known else "internal.error",
        "message": str(getattr(error, "message", error)) if known else f"{type(error).__name__}: {error}",
        "where": getattr(error, "where", None),
        "hint": getattr(error, "hint", None),
        "exit": int(getattr(error, "exit_code", 1)) if known else 1,
    }
