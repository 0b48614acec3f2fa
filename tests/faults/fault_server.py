"""Forks runs that stop themselves before they begin, so that strace can take hold of each: imports are paid once.

fault_server.py MODULE: what is run is the function `run` of that module, with the project's path.

Protocol, a line each: a project's path on stdin → `stopped PID` → (somebody attaches and sends SIGCONT) → `ended CODE`,
where CODE is the exit code, or minus the number of the signal that ended the run.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable

PR_SET_PTRACER = 0x59616D61
ANYBODY = ctypes.c_ulong(-1)


def child(run: Callable[[str], int], project: str) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYBODY, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    code = 1
    try:
        code = run(project)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    run = importlib.import_module(sys.argv[1]).run
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(run, line.rstrip("\n"))
        os.waitpid(pid, os.WUNTRACED)
        print("stopped", pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print("ended", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
