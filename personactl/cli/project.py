"""What commands take from their surroundings: the clock, the project of the working folder, short names of paths."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from personactl.config import Config


def now() -> str:
    """The current time as RFC 3339 with `Z`, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def here() -> Config:
    """The project that holds the working folder. Raises ConfigError with the command that makes one."""
    from personactl import config

    return config.find(Path.cwd())


def pasted(path: Path) -> str:
    """`path` as a shell takes it in a command that is printed: quoted where that is needed, and never an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def shown(path: Path) -> str:
    """`path` relative to the working folder where it lies below it, else as it is."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
