"""`personactl doctor`: what this machine and this project offer."""

from __future__ import annotations

import os
from pathlib import Path

import click

from personactl.cli.session import SessionCommand, pass_terminal
from personactl.render.terminal import Styled, Terminal

STYLES = {"ok": "good", "warning": "warn", "error": "bad"}


@click.command(cls=SessionCommand)
@click.option("--deep", is_flag=True, help="Also import torch and ask it for the GPU (takes seconds).")
@pass_terminal
def doctor(terminal: Terminal, *, deep: bool) -> int:
    """Check environment, extras, keys, weights and disk."""
    from personactl.doctor import examine, exit_code

    checks = examine(Path.cwd(), os.environ, deep=deep)
    for check in checks:
        terminal.line(Styled(f"{check.state:<8}", STYLES[check.state]), f"{check.name:<14}{check.value}")
        if check.hint:
            terminal.prose(f"help: {check.hint}", indent=" " * 8)
    code = exit_code(checks)
    rows = [{"name": item.name, "state": item.state, "value": item.value, "hint": item.hint} for item in checks]
    terminal.result({"schema": "personactl.doctor/1", "ok": code == 0, "checks": rows})
    return code
