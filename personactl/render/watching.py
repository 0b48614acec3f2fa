"""What `verify` shows of its progress, and the events that it writes: both say what happened and decide nothing.

The verdicts themselves are progress for whoever sees them. So nothing else is shown in the first seconds, and where
they go to the same screen as the progress would, plain lines stand between them instead of a bar that moves.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from personactl.render.outfile import check_appendable, open_appending
from personactl.render.terminal import Terminal
from personactl.render.verdicts import STYLES

if TYPE_CHECKING:
    from personactl.render.progress import Progress
    from personactl.verdict import Verdict
    from personactl.verify import Target

QUIET_SECONDS = {"bar": 2.0, "lines": 10.0}
"""So long nothing is said; most commands are done by then, and need neither to count their files nor to load rich."""
SCHEMA = "personactl.event/1"


class Watch:
    """Watches one `verify`. `paths` are counted when there is progress to show; `events` is appended to, None for no
    log. Raises StorageError or UsageProblem when the log cannot be written."""

    def __init__(
        self,
        terminal: Terminal,
        paths: Sequence[Path | Target],
        events: Path | None,
        now: Callable[[], str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal, self._paths, self._now, self._clock = terminal, paths, now, clock
        self._began = clock()
        self._done = self._total = 0
        self._moving = _may_move(terminal)
        self._quiet = QUIET_SECONDS["bar" if self._moving else "lines"]
        self._progress: Progress | None = None
        self._events_path = events
        self._events: IO[str] | None = None
        if events is not None:
            check_appendable(events)

    def on_verdict(self, verdict: Verdict) -> None:
        self._done += 1
        self._tell("verdict", path=verdict.path, sha256=verdict.sha256, verdict=verdict.verdict, exit=verdict.exit_code)
        if self._progress is None and self._clock() - self._began >= self._quiet:
            self._progress = self._begin()
        if self._progress is not None:
            self._progress.on_count(self._done, max(self._total, self._done))

    def on_end(self, counts: Mapping[str, int]) -> None:
        self._tell("finish", files=self._done, **{word: counts.get(word, 0) for word in STYLES})

    def _begin(self) -> Progress:
        from personactl.render.progress import PlainProgress, for_terminal
        from personactl.verify import count

        self._total = count(self._paths)
        if self._moving:
            return for_terminal(self._terminal)
        return PlainProgress(self._terminal, clock=self._clock, began=self._began)

    def _tell(self, event: str, **fields: object) -> None:
        """A log that can no longer be written is given up with a word; it never stops what it watches."""
        if self._events_path is None:
            return
        try:
            if self._events is None:
                self._events = open(open_appending(self._events_path), "a", encoding="ascii")  # noqa: SIM115, PTH123
            row = {"schema": SCHEMA, "event": event, "at": self._now(), **fields}
            self._events.write(json.dumps(row) + "\n")
            self._events.flush()
        except OSError as error:
            self._terminal.alert(f"events are no longer written to {self._events_path}: {error.strerror}")
            self._events_path = None

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.close()
        if self._events is not None:
            with suppress(OSError):
                self._events.close()


def _may_move(terminal: Terminal) -> bool:
    """Whether a bar may move: on a screen that no verdict is written to."""
    same_screen = not terminal.json and terminal.is_terminal(terminal.out)
    return terminal.is_terminal(terminal.err) and not same_screen
