"""Faults (where in the value) and the errors that carry all Problems (where in the text)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from personactl.errors import ConfigError, PersonaError, PolicyError, Problem, UsageProblem

Step: TypeAlias = str | int
Path: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One finding about a parsed value. `path` leads to it: keys and list indices, () is the whole document.

    `code` is a word that the room's name is put before ("unknown-key" → manifest.unknown-key), or a whole code with a
    dot. `at` says whether the key or the value is pointed at.
    """

    path: Path
    code: str
    message: str
    hint: str | None = None
    at: Literal["key", "value"] = "value"


def headline(problems: tuple[Problem, ...]) -> str:
    """The first message, with the number of others."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{problems[0].message}{more}"


class _AllAtOnce(UsageProblem):
    """Carries every Problem; the first gives place, hint and code."""

    def __init__(self, problems: tuple[Problem, ...]):
        first = problems[0]
        super().__init__(headline(problems), where=first.where, hint=first.hint, code=first.code)
        self.problems = problems


class ConfigProblems(_AllAtOnce, ConfigError):
    """A personactl.toml with one or more problems."""


class PersonaProblems(_AllAtOnce, PersonaError):
    """A persona record with one or more problems."""


class PolicyProblems(_AllAtOnce, PolicyError):
    """A policy file with one or more problems."""
