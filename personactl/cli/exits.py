"""The exit codes, and the only place where an exception becomes one.

The table is the contract: it is shown by `--help`, and a test reads it back from the reference page and from here.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from personactl import errors

if TYPE_CHECKING:
    from personactl.render.terminal import Terminal

TABLE: dict[int, str] = {
    errors.EXIT_OK: "good",
    errors.EXIT_BUG: "a bug in personactl, nothing else",
    errors.EXIT_USAGE: "usage, or a bad manifest, plan, config or persona",
    errors.EXIT_GATE: "quality gate not met: shots rejected, approvals missing or negative",
    errors.EXIT_INTEGRITY: "integrity: a file altered or unreadable, or the ledger broken",
    errors.EXIT_TRUST: "signer not trusted, or no trust file given",
    errors.EXIT_CREDENTIAL: "no credential found (stripped, or never there)",
    errors.EXIT_DISCLOSURE: "disclosure missing or wrong although signed",
    errors.EXIT_ENVIRONMENT: "environment: extra, weights, licence, GPU, disk, read-only place",
    errors.EXIT_KEYS: "keys, certificate or time-stamp service",
    errors.EXIT_CONFLICT: "stale plan, ledger moved, output name taken",
    errors.EXIT_NO_ANCHOR: "ledger check good, but --require-anchor and no anchor given",
    errors.EXIT_WORK_TO_DO: "plan --detailed-exitcode: there is work to do",
    errors.EXIT_PARTIAL: "partial or locked, safe to run again",
    errors.EXIT_INTERRUPTED: "interrupted, state kept",
    errors.EXIT_TERMINATED: "terminated, state kept",
}

_MACHINE = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
        errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EFBIG, errno.ENAMETOOLONG, errno.ELOOP,
    }
)  # fmt: skip


LOST_LEDGER = "personactl ledger restore BACKUP --reason TEXT puts a backup in the place of a lost ledger"


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP. A KeyboardInterrupt, so that whatever finishes cleanly on Ctrl-C does so here too."""


def report(error: Exception, terminal: Terminal) -> int:
    """Show `error` on `terminal` and return its exit code. Whatever nobody foresaw is a bug: 1."""
    from personactl.render import problems

    found = getattr(error, "problems", ())
    if found and isinstance(error, errors.UsageProblem):  # a manifest, config, persona or policy file
        problems.show_problems(terminal, found, exit_code=error.exit_code)
        return error.exit_code
    known = _known(error)
    if known is None:
        problems.show_bug(terminal, error)
        return errors.EXIT_BUG
    code, message, where, hint, exit_code = known
    problems.show_error(terminal, code=code, message=message, where=where, hint=hint, exit_code=exit_code)
    return exit_code


def report_stop(stop: BaseException, terminal: Terminal) -> int:
    """Say that the command was stopped by a signal, and return 130 or 143."""
    from personactl.render import problems

    if isinstance(stop, Terminated):
        problems.show_stop(terminal, "cli.terminated", "terminated", exit_code=errors.EXIT_TERMINATED)
        return errors.EXIT_TERMINATED
    problems.show_stop(terminal, "cli.interrupted", "interrupted", exit_code=errors.EXIT_INTERRUPTED)
    return errors.EXIT_INTERRUPTED


def report_beside(error: errors.PersonactlError, terminal: Terminal) -> int:
    """Show an error that does not end the command, always on stderr: stdout still belongs to the result."""
    json, terminal.json = terminal.json, False
    try:
        return report(error, terminal)
    finally:
        terminal.json = json


def report_unheard(stream: IO[str], message: str) -> int:
    """Say in one line on `stream`, if it can be written at all, that stdout cannot be, and return 8."""
    code = "cli.stdout"
    with suppress(OSError, ValueError):
        stream.write(f"error[{code}]: {message}\n  help: give stdout a place to go; `> /dev/null` drops it\n")
        stream.flush()
    return errors.EXIT_ENVIRONMENT


def _no_folder() -> bool:
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return True
    return False


def _known(error: Exception) -> tuple[str, str, str | None, str | None, int] | None:
    """(code, message, where, hint, exit code) of an error of either tree or of the machine, else None."""
    if isinstance(error, errors.PersonactlError):
        return error.code, error.message, error.where, error.hint, error.exit_code
    if isinstance(error, OSError) and error.errno in _MACHINE:
        where = str(error.filename) if error.filename is not None else None
        hint = "check free space, permissions and limits of this place"
        return "cli.machine-refused", error.strerror or str(error), where, hint, errors.EXIT_ENVIRONMENT
    if isinstance(error, FileNotFoundError) and _no_folder():  # also libraries ask for it when they are imported
        return "cli.no-folder", "the working folder does not exist any more", None, "go to a folder that exists", 8
    if isinstance(error, MemoryError):
        return "cli.out-of-memory", "out of memory", None, "use a smaller picture or fewer at once", 8
    from personactl_ledger.errors import LedgerError

    if isinstance(error, LedgerError):
        lost = error.code == "ledger.missing" and _is_own_ledger(error.where)
        return error.code, error.message, error.where, LOST_LEDGER if lost else error.hint, error.exit_code
    return None


def _is_own_ledger(where: str | None) -> bool:
    """Whether the path is that of the ledger of the project of the working folder."""
    from pathlib import Path

    from personactl import config

    try:
        return where is not None and Path(where).resolve() == config.find(Path.cwd()).ledger_path.resolve()
    except (errors.PersonactlError, OSError, ValueError):
        return False
