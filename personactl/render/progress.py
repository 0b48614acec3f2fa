"""Progress of a run or a check on stderr: a bar with the time left on a terminal, else a plain line per 10 % or 30 s.

`--events FILE` writes NDJSON beside either: one object a line with `schema`, `event`, `at` and what is known then.
All of them are observers of `run.execute`; none of them decides anything.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from personactl.render.outfile import check_appendable, open_appending
from personactl.render.terminal import Styled, Terminal, escape

if TYPE_CHECKING:
    from personactl.model import Disclosed, Scored, Shot
    from personactl.run import RunSummary

SECONDS_BETWEEN_LINES = 30.0
PERCENT_BETWEEN_LINES = 10
STEPS_SHARE = 0.9
"""How much of a picture its steps are: scoring, marking and signing follow."""


class Progress:
    """Counts finished shots and tells what happened to each attempt; subclasses say how the total is drawn."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.total = self.finished = 0
        self._part = 0.0

    @property
    def fraction(self) -> float:
        """How much is done, 0..1, with the steps of the current picture."""
        return min(1.0, (self.finished + self._part) / self.total) if self.total else 1.0

    def on_start(self, total: int) -> None:
        self.total = total
        self.redraw()

    def on_step(self, shot: Shot, step: int, steps: int) -> None:
        self._part = STEPS_SHARE * min(1.0, step / steps) if steps else 0.0
        self.redraw()

    def on_attempt(self, scored: Scored) -> None:
        self._part = 0.0
        record = scored.identity
        style = "good" if record.verdict == "pass" else "warn"
        score = record.score or "no score"
        name = scored.candidate.shot.file_name
        attempt = scored.candidate.attempt + 1
        self.say(f"{name}  attempt {attempt}  ", Styled(record.verdict, style), f"  {score} (≥ {record.threshold})")

    def on_done(self, disclosed: Disclosed) -> None:
        self._count()

    def on_reject(self, scored: Scored) -> None:
        self.say(f"{scored.candidate.shot.file_name}  ", Styled("rejected", "bad"), " to the end of its attempts")
        self._count()

    def on_fail(self, shot: Shot, reason: str) -> None:
        self.say(f"{shot.file_name}  ", Styled("failed", "bad"), f"  {reason}")
        self._count()

    def on_finish(self, summary: RunSummary) -> None:
        self.close()

    def on_count(self, done: int, total: int) -> None:
        """Things that are counted and not named, such as the entries of a check; nothing is shown of a single step."""
        if self.total or done < total:
            if total != self.total:
                self.on_start(total)
            self.finished = done
            self.redraw()

    def say(self, *parts: str | Styled) -> None:
        self.terminal.detail(*parts)

    def redraw(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Give the terminal back; called also when the run ends by an error."""

    def _count(self) -> None:
        self.finished += 1
        self._part = 0.0
        self.redraw()


class PlainProgress(Progress):
    """For logs: a line when another 10 % is done, or when 30 seconds passed since the last line. `began`: when the work
    did, where that was before."""

    def __init__(
        self, terminal: Terminal, *, clock: Callable[[], float] = time.monotonic, began: float | None = None
    ) -> None:
        super().__init__(terminal)
        self._clock = clock
        self._told_percent = 0
        self._told_at = clock()
        self._began = began

    def on_step(self, shot: Shot, step: int, steps: int) -> None:
        if self._began is None:  # from the first step on: loading a model says nothing about the pictures
            self._began = self._clock()
        super().on_step(shot, step, steps)

    def on_count(self, done: int, total: int) -> None:
        if self._began is None:
            self._began = self._told_at  # since this object was made: counting starts at once
        super().on_count(done, total)

    def redraw(self) -> None:
        percent, now = int(self.fraction * 100), self._clock()
        due = percent // PERCENT_BETWEEN_LINES > self._told_percent // PERCENT_BETWEEN_LINES
        if not self.total or not (due or now - self._told_at >= SECONDS_BETWEEN_LINES):
            return
        self._told_percent, self._told_at = percent, now
        self.terminal.note(f"{percent:3d} %  {self.finished} of {self.total}", self._left(now))

    def _left(self, now: float) -> str:
        if self._began is None or not 0 < self.fraction < 1:
            return ""
        return f"  about {_span((now - self._began) * (1 - self.fraction) / self.fraction)} left"


class BarProgress(Progress):
    """For a terminal: one moving line, drawn by rich, which is imported only here."""

    def __init__(self, terminal: Terminal) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        super().__init__(terminal)
        colored = terminal.colors(terminal.err)
        console = Console(
            file=terminal.err, no_color=not colored, color_system="auto" if colored else None,
            force_terminal=True, width=terminal.width(terminal.err), highlight=False, markup=False,
        )  # fmt: skip
        elapsed, left = TimeElapsedColumn(), TimeRemainingColumn()
        self._bar = Bar(TextColumn("{task.fields[now]}", markup=False), BarColumn(), MofNCompleteColumn(), elapsed,
                        TextColumn("left"), left, console=console, transient=True)  # fmt: skip
        self._task = self._bar.add_task("", total=None, now="")

    def on_start(self, total: int) -> None:
        super().on_start(total)
        if total:
            self._bar.start()

    def on_step(self, shot: Shot, step: int, steps: int) -> None:
        self._bar.update(self._task, now=escape(shot.file_name))
        super().on_step(shot, step, steps)

    def redraw(self) -> None:
        self._bar.update(self._task, completed=self.fraction * self.total, total=self.total)

    def say(self, *parts: str | Styled) -> None:
        if self.terminal.verbosity > 0:
            self._bar.console.print(*(escape(p.text if isinstance(p, Styled) else p) for p in parts), sep="")

    def close(self) -> None:
        self._bar.stop()


class EventLog:
    """NDJSON of a run, one line at a time so that a reader can follow.

    The file is opened when the run really starts, which a locked or refused one does not, and is appended to. Raises
    StorageError, UsageProblem (cli.project-file), already when it is made.
    """

    def __init__(self, path: Path, clock: Callable[[], str], terminal: Terminal) -> None:
        self._clock, self._path, self._terminal = clock, path, terminal
        self._broken = False
        self._file: IO[str] | None = None
        check_appendable(path)

    def on_start(self, total: int) -> None:
        self._file = open(open_appending(self._path), "a", encoding="utf-8")  # noqa: SIM115, PTH123 - until `close`
        self._write("start", total=total)

    def on_step(self, shot: Shot, step: int, steps: int) -> None:
        """Steps are for eyes only; a log of them would be larger than the pictures."""

    def on_attempt(self, scored: Scored) -> None:
        self._write("attempt", **_attempt(scored))

    def on_done(self, disclosed: Disclosed) -> None:
        self._write("done", **_attempt(disclosed.scored), sha256=disclosed.sha256, entryId=disclosed.entry_id)

    def on_reject(self, scored: Scored) -> None:
        self._write("reject", **_attempt(scored))

    def on_fail(self, shot: Shot, reason: str) -> None:
        self._write("fail", shot=shot.shot_id, index=shot.index, file=shot.file_name, reason=reason)

    def on_finish(self, summary: RunSummary) -> None:
        counts = {name: getattr(summary, name) for name in ("planned", "done", "failed", "rejected", "skipped")}
        self._write("finish", run=summary.run_id, **counts)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()

    def _write(self, event: str, **fields: Any) -> None:
        """A log that can no longer be written is given up with a word; it never stops the run that it watches."""
        if self._broken or self._file is None:
            return
        row = {"schema": "personactl.event/1", "event": event, "at": self._clock(), **fields}
        try:
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
        except OSError as error:
            self._broken = True
            self._terminal.alert(f"events are no longer written to {self._path}: {error.strerror}")


class Observers:
    """Several observers as one, closed together when the `with` block ends, however it ends."""

    def __init__(self, *observers: Progress | EventLog) -> None:
        self._all = observers

    def __enter__(self) -> Observers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for observer in self._all:
            observer.close()

    def on_start(self, total: int) -> None:
        for observer in self._all:
            observer.on_start(total)

    def on_step(self, shot: Shot, step: int, steps: int) -> None:
        for observer in self._all:
            observer.on_step(shot, step, steps)

    def on_attempt(self, scored: Scored) -> None:
        for observer in self._all:
            observer.on_attempt(scored)

    def on_done(self, disclosed: Disclosed) -> None:
        for observer in self._all:
            observer.on_done(disclosed)

    def on_reject(self, scored: Scored) -> None:
        for observer in self._all:
            observer.on_reject(scored)

    def on_fail(self, shot: Shot, reason: str) -> None:
        for observer in self._all:
            observer.on_fail(shot, reason)

    def on_finish(self, summary: RunSummary) -> None:
        for observer in self._all:
            observer.on_finish(summary)


def for_terminal(terminal: Terminal) -> Progress:
    """The bar where stderr is a terminal that can move its cursor and nobody asked for silence, else plain lines."""
    moving = terminal.is_terminal(terminal.err) and not terminal.is_dumb() and terminal.verbosity >= 0
    return BarProgress(terminal) if moving else PlainProgress(terminal)


def _attempt(scored: Scored) -> dict[str, Any]:
    candidate, record = scored.candidate, scored.identity
    return {
        "shot": candidate.shot.shot_id,
        "index": candidate.shot.index,
        "file": candidate.shot.file_name,
        "attempt": candidate.attempt,
        "verdict": record.verdict,
        "score": record.score,
        "threshold": record.threshold,
    }


def _span(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 90:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 5400 else f"{whole // 3600} h {whole % 3600 // 60} min"
