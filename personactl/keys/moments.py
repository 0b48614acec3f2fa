"""When something is said. Whoever may have to wait takes the clock and not a time: a time that was read before waiting
is earlier than that of an entry which was written meanwhile."""

from __future__ import annotations

from collections.abc import Callable

Moment = str | Callable[[], str]
"""An RFC 3339 time in UTC with `Z`, or a clock that tells one."""


def read(moment: Moment) -> str:
    """The time itself."""
    return moment if isinstance(moment, str) else moment()
