"""The Backend protocol, and opening one: check the lock again, import the adapter, load, check that nothing moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from personactl.errors import EnvironmentProblem, ExtraMissing, UsageProblem, WeightsError
from personactl.generate.lock import Survey, survey
from personactl.model import Candidate, ModelLock, Shot

Clock = Callable[[], str]
OnStep = Callable[[int, int], None]
PROFILES = ("exact", "fast")


class Backend(Protocol):
    """Makes pictures, one at a time. `embedding_dim`: width of a face embedding, 0 when no face can be given."""

    embedding_dim: int

    def run(
        self,
        shot: Shot,
        *,
        attempt: int,
        seed: int,
        conditioning: np.ndarray[Any, Any] | None,
        on_step: OnStep | None = None,
    ) -> Candidate:
        """One picture from `seed` (0 ≤ seed < 2**63).

        `conditioning`: (references, embedding_dim) float32, rows of unit length in the order of `shot.references`, or
        None. `on_step(step, steps)`, step from 1, may raise KeyboardInterrupt; the backend stays usable.
        Raises UsageProblem when shot and model do not fit, EnvironmentProblem when the library fails.
        """
        ...

    def close(self) -> None:
        """Give the memory back. A closed backend makes no more pictures."""
        ...


def utc_now() -> str:
    """The time of the machine as RFC 3339 with `Z`, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def open_backend(
    lock: ModelLock, path: str, *, profile: str, project: Path, clock: Clock = utc_now, device: str = "auto"
) -> Backend:
    """Load the model at `path`, which must still be the one of `lock`.

    `profile` "exact" repeats its pictures bit by bit on the same machine and libraries; "fast" uses all threads, and
    half precision on a GPU. `device`: "auto", "cpu" or "cuda".
    Raises ExtraMissing, WeightsError (also: weights.digest-mismatch against `lock`), UsageProblem.
    """
    if profile not in PROFILES:
        raise UsageProblem(f"unknown profile {profile!r}", hint="exact or fast", code="generate.unknown-profile")
    found = survey(path, project)
    _check_lock(found, lock)
    try:
        from personactl.generate.stable_diffusion import StableDiffusionBackend
    except ModuleNotFoundError as error:
        raise ExtraMissing("generate", needed_for="generating pictures", missing=error.name or "torch") from error
    except ImportError as error:
        raise EnvironmentProblem(
            f"a library for generating pictures cannot be loaded: {error}",
            hint="see `personactl doctor`",
            code="environment.broken-library",
        ) from error
    backend = StableDiffusionBackend(found, profile=profile, clock=clock, device=device)
    found.folder.check_unchanged()
    return backend


def _check_lock(found: Survey, lock: ModelLock) -> None:
    if found.lock.sha256 == lock.sha256:
        return
    now = {file.path: file.sha256 for file in found.lock.files}
    then = {file.path: file.sha256 for file in lock.files}
    moved = sorted(path for path in {*now, *then} if now.get(path) != then.get(path))
    raise WeightsError(
        "the model is not the one that was planned",
        where=moved[0] if moved else found.lock.name,
        hint="plan again with this model, or bring the planned files back",
        code="weights.digest-mismatch",
    )
