"""Ctrl-C, SIGTERM and SIGHUP while a run is at work.

The first signal stops generating at once, but not a shielded step: a picture that is being finished is finished. The
second signal stops at once, wherever the run is; recovery puts that right at the next start. What is raised is the
business of the handler that was installed before, so that the caller's exit codes stay the caller's.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from personactl.errors import EXIT_INTERRUPTED, EXIT_TERMINATED

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class Stopping:
    """Context manager. Outside the main thread it does nothing: signals do not arrive there."""

    def __init__(self) -> None:
        self._before: dict[int, Handler] = {}
        self._depth = 0
        self._pending: int | None = None
        self._signals = 0
        self.exit_code = EXIT_INTERRUPTED
        """That of the signal that arrived last; a lost terminal (SIGHUP) is a kind of termination."""

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before.clear()

    @contextmanager
    def shield(self) -> Iterator[None]:
        """The first signal that arrives in the block waits for the next `deliver`."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @contextmanager
    def last_words(self) -> Iterator[None]:
        """A shield for the end of a run: what it held back is not delivered any more. A second signal breaks it."""
        self._pending = None
        with self.shield():
            yield

    def deliver(self) -> None:
        """Raise what a shield held back. Called where stopping leaves nothing half done and nothing uncounted."""
        if self._pending is not None:
            number, self._pending = self._pending, None
            self._raise(number, None)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        self.exit_code = EXIT_INTERRUPTED if number == signal.SIGINT else EXIT_TERMINATED
        if self._depth and self._signals == 1:
            self._pending = number
        else:
            self._raise(number, frame)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        before = self._before.get(number)
        if callable(before) and before is not signal.default_int_handler:
            before(number, frame)
        raise KeyboardInterrupt
