"""Faults of the command line itself, as click found them, in the one form of errors."""

from __future__ import annotations

import click

from personactl.errors import EXIT_USAGE
from personactl.render.problems import show_error
from personactl.render.terminal import Terminal

CODE = "cli.usage"


def show(error: click.ClickException, terminal: Terminal) -> None:
    """The message, and for people the usage line of the command that refused; no arguments at all shows the help."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not terminal.json:
        for row in error.format_message().splitlines():
            terminal.alert(row)
        return
    message, hint = error.format_message(), None
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        message = "no command given"
    if context is not None:
        if not terminal.json:
            terminal.alert(context.get_usage())
        hint = f"{context.command_path} --help"
    show_error(terminal, code=CODE, message=message, where=None, hint=hint, exit_code=EXIT_USAGE)
