"""The command line. `main` runs one command and is the only place that ends the process.

Nothing but click and the standard library is imported here: each command imports its own room when it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

PROGRAM = "personactl"


def main() -> NoReturn:
    """The console script: run `sys.argv`, write out what is buffered, and exit with a code of the one table."""
    from personactl.cli import exits
    from personactl.errors import EXIT_PARTIAL

    if not _open_streams():
        sys.exit(exits.report_unheard(sys.stderr, "stdout is closed, so nothing was done"))
    code = execute(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader left: what it did not read is lost, and running again is safe
        code = code or EXIT_PARTIAL
        _mute()
    except OSError as error:
        code = code or exits.report_unheard(sys.stderr, f"stdout cannot be written: {error.strerror}")
        _mute()
    sys.exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Prints; does not exit."""
    from personactl.cli import exits
    from personactl.errors import EXIT_PARTIAL

    try:
        return _run(arguments)
    except BrokenPipeError:
        _mute()
        return EXIT_PARTIAL
    except OSError as error:  # the error itself could not be told
        _mute()
        return exits.report_unheard(sys.stderr, f"the answer cannot be written: {error.strerror}")


def _run(arguments: Sequence[str]) -> int:
    import click

    from personactl.cli import exits
    from personactl.errors import EXIT_OK, EXIT_USAGE
    from personactl.render.terminal import Terminal

    _tolerant_streams()
    terminal = Terminal(sys.stdout, sys.stderr)
    terminal.json = "--json" in arguments  # a usage error comes before the option is parsed
    _catch_signals()
    try:
        outcome = _invoke(arguments, terminal)
        return outcome if isinstance(outcome, int) else EXIT_OK
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.ClickException as error:
        from personactl.cli import usage

        usage.show(error, terminal)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort) as stop:
        return exits.report_stop(stop, terminal)
    except BrokenPipeError:
        raise
    except Exception as error:
        return exits.report(error, terminal)


def _invoke(arguments: Sequence[str], terminal: object) -> object:
    from personactl.cli.root import root

    instruction = os.environ.get("_PERSONACTL_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, PROGRAM, "_PERSONACTL_COMPLETE", instruction)
    with root.make_context(PROGRAM, list(arguments), obj=terminal) as context:
        return root.invoke(context)


def _open_streams() -> bool:
    """Put something harmless where stdin, stdout or stderr was closed, or the next file that is opened, which may be
    the ledger, would get its number. False when stdout was: then nobody hears the answer."""
    heard = sys.stdout is not None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    if not heard:
        _mute()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - lives until the process ends
    return heard


def _tolerant_streams() -> None:
    """A character that the encoding lacks is escaped instead of ending the program; lines leave when they are written,
    so that a log with both streams has them in order."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace", line_buffering=True)


def _catch_signals() -> None:
    """SIGTERM, and SIGHUP of a lost terminal unless the caller, such as nohup, has it ignored."""
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, _terminate)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    from personactl.cli.exits import Terminated

    raise Terminated


def _mute() -> None:
    """Point stdout at nothing, so that the interpreter's own flush at exit finds no broken pipe."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - lives until the process ends
