"""What a run is given besides its plan: where it works, who signs, and how to open the heavy parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from personactl.model import Candidate, Disclosed, Gate, OutputSpec, Persona, Plan, Scored, Shot

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from personactl.config import Config
    from personactl.disclose import Watermarker
    from personactl.keys import KeySet
    from personactl.run.summary import RunSummary


class Backend(Protocol):
    """The part of `generate.Backend` that a run calls."""

    embedding_dim: int

    def run(self, shot: Shot, *, attempt: int, seed: int, conditioning: np.ndarray[Any, Any] | None,
            on_step: Callable[[int, int], None] | None = None) -> Candidate: ...  # fmt: skip

    def close(self) -> None: ...


class Embedder(Protocol):
    """The part of `identity.Embedder` that a run calls: a picture (height, width, 3) uint8 RGB to a unit vector."""

    def embed(self, rgb: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None: ...


class Scorer(Protocol):
    """The part of `identity.Scorer` that a run calls; what `template` returns is handed back unread."""

    def template(self, pictures: Sequence[np.ndarray[Any, Any]], names: Sequence[str] = ()) -> Any: ...

    def score(self, candidate: Candidate, template: Any, gate: Gate) -> Scored: ...


class Observer(Protocol):
    """Who watches a run. on_done, on_reject and on_fail together are called `total` times, unless it is stopped."""

    def on_start(self, total: int) -> None: ...
    def on_step(self, shot: Shot, step: int, steps: int) -> None: ...
    def on_attempt(self, scored: Scored) -> None: ...
    def on_done(self, disclosed: Disclosed) -> None: ...
    def on_reject(self, scored: Scored) -> None: ...
    def on_fail(self, shot: Shot, reason: str) -> None: ...
    def on_finish(self, summary: RunSummary) -> None: ...


class Unobserved:
    """An observer that looks away."""

    def on_start(self, total: int) -> None: ...
    def on_step(self, shot: Shot, step: int, steps: int) -> None: ...
    def on_attempt(self, scored: Scored) -> None: ...
    def on_done(self, disclosed: Disclosed) -> None: ...
    def on_reject(self, scored: Scored) -> None: ...
    def on_fail(self, shot: Shot, reason: str) -> None: ...
    def on_finish(self, summary: RunSummary) -> None: ...


def utc_now() -> str:
    """The time of the machine as RFC 3339 with `Z`, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _open_watermarker(output: OutputSpec, trustmark_path: Path | None) -> Watermarker:
    from personactl import disclose

    return disclose.open_watermarker(output, trustmark_path)


_BUILT_IN: Callable[[], Watermarker] = partial(_open_watermarker, OutputSpec(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """Where a run works and what it works with.

    The factories are called once, and only when something is left to make. `resume` is the command line that
    goes on after an interruption.
    """

    config: Config
    keyset: KeySet = field(repr=False)
    persona: Persona
    open_backend: Callable[[], Backend]
    open_conditioner: Callable[[], Embedder]
    open_scorer: Callable[[], Scorer]
    resume: str
    clock: Callable[[], str] = utc_now
    open_watermarker: Callable[[], Watermarker] = _BUILT_IN


def local_context(
    plan: Plan,
    *,
    config: Config,
    keyset: KeySet,
    persona: Persona,
    model_path: str,
    resume: str,
    clock: Callable[[], str] = utc_now,
) -> RunContext:
    """The context of a run on this machine: model, conditioner and scorer of the pack at `model_path`."""
    project = config.project

    def open_backend() -> Backend:
        from personactl import generate

        profile = plan.shots[0].profile
        return generate.open_backend(plan.model, model_path, profile=profile, project=project, clock=clock)

    def open_conditioner() -> Embedder:
        from personactl import identity

        return identity.open_conditioner(model_path, project, expected=plan.scorer)

    def open_scorer() -> Scorer:
        from personactl import identity

        return identity.open_scorer(model_path, project, expected=plan.scorer)

    return RunContext(
        config=config,
        keyset=keyset,
        persona=persona,
        open_backend=open_backend,
        open_conditioner=open_conditioner,
        open_scorer=open_scorer,
        resume=resume,
        clock=clock,
        open_watermarker=partial(_open_watermarker, plan.output, config.trustmark_path),
    )
