"""Progress of work in several parts that are counted each by itself, one after another."""

from __future__ import annotations

from collections.abc import Callable

from personactl.render.progress import Progress, for_terminal
from personactl.render.terminal import Terminal


class Phases:
    """Hand `counter()` to each part. The line of a part goes when the next one begins: two would draw over each other,
    and each has a time left of its own."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown: Progress | None = None

    def counter(self) -> Callable[[int, int], None]:
        """What one part tells how much of it is done, and of how much."""
        own: list[Progress] = []

        def count(done: int, total: int) -> None:
            if not own:
                self.close()
                own.append(for_terminal(self._terminal))
                self._shown = own[0]
            own[0].on_count(done, total)

        return count

    def close(self) -> None:
        """Give the terminal back."""
        if self._shown is not None:
            self._shown.close()
