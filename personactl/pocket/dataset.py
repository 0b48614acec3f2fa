"""The rendered training sets, as memory-mapped arrays on disk.

Two sets of disjoint identities: `a` (seeds from 0) teaches the conditioning recogniser, `b` (seeds from 100 000) the
scoring one, so that the two share neither weights nor people. Held-out identities (seeds from 900 000) are drawn when
they are needed and never stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from personactl.errors import IntegrityError
from personactl.pocket.drawing.renderer import SIZE, draw, renderer_digest
from personactl.pocket.identity import sample_identity, traits
from personactl.pocket.scene import Scene, sample_scene
from personactl.pocket.training import write_atomically

FIRST_SEED = {"a": 0, "b": 100_000}
VIEWS_PER_IDENTITY = 8
IDENTITIES = 6_000
SAVE_EVERY = 200  # identities


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSet:
    """`pictures` uint8 (n, 128, 128, 3), `key_points` float32 (n, 5, 2), `face_boxes` float32 (n, 4); picture k shows
    identity k // `views` in scene seed `scene_seed(first + k // views, k % views)`."""

    name: str
    first: int
    views: int
    pictures: np.ndarray
    key_points: np.ndarray
    face_boxes: np.ndarray

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def people(self) -> int:
        return len(self.pictures) // self.views

    def person(self, indices: np.ndarray) -> np.ndarray:
        """Class index of each picture, 0 .. people - 1."""
        return np.asarray(indices) // self.views

    def scene(self, index: int) -> Scene:
        return sample_scene(scene_seed(self.first + index // self.views, index % self.views))

    def trait_table(self) -> np.ndarray:
        """Standardised identity parameters, float32 (people, traits)."""
        table = np.stack([traits(sample_identity(self.first + person)) for person in range(self.people)])
        return (table - table.mean(axis=0)) / (table.std(axis=0) + 1e-6)


def scene_seed(identity_seed: int, view: int) -> int:
    """The scene seed of the `view`-th picture of an identity."""
    return identity_seed * 64 + view


def _shapes(count: int) -> dict[str, tuple[tuple[int, ...], str]]:
    return {
        "pictures": ((count, SIZE, SIZE, 3), "uint8"),
        "key_points": ((count, 5, 2), "float32"),
        "face_boxes": ((count, 4), "float32"),
    }


def render_set(
    folder: Path,
    name: str,
    *,
    people: int = IDENTITIES,
    views: int = VIEWS_PER_IDENTITY,
    report: Callable[[int, int], None] | None = None,
) -> FaceSet:
    """Draw set `name` into `folder`; continues where an interrupted run stopped. Raises IntegrityError when the folder
    holds pictures of another renderer or another size."""
    folder.mkdir(parents=True, exist_ok=True)
    state_file = folder / "state.json"
    plan = {"set": name, "people": people, "views": views, "renderer": renderer_digest()}
    state: dict[str, Any] = json.loads(state_file.read_text()) if state_file.exists() else {**plan, "done": 0}
    _require_same(plan, state, folder)
    arrays = {
        key: np.lib.format.open_memmap(
            folder / f"{key}.npy", mode="r+" if (folder / f"{key}.npy").exists() else "w+", dtype=kind, shape=shape
        )
        for key, (shape, kind) in _shapes(people * views).items()
    }
    for person in range(state["done"], people):
        seed = FIRST_SEED[name] + person
        identity = sample_identity(seed)
        for view in range(views):
            drawing = draw(identity, sample_scene(scene_seed(seed, view)))
            row = person * views + view
            arrays["pictures"][row], arrays["key_points"][row] = drawing.rgb, drawing.key_points
            arrays["face_boxes"][row] = drawing.face_box
        if (person + 1) % SAVE_EVERY == 0 or person + 1 == people:
            for array in arrays.values():
                array.flush()
            write_atomically(state_file, json.dumps({**plan, "done": person + 1}).encode())
            if report is not None:
                report(person + 1, people)
    return open_set(folder)


def open_set(folder: Path) -> FaceSet:
    """Open a finished set read-only. Raises IntegrityError when it is unfinished or of another renderer."""
    state_file = folder / "state.json"
    if not state_file.exists():
        raise IntegrityError(
            "no rendered set here", where=str(folder), hint="run `python -m personactl.pocket train --stage render`"
        )
    state = json.loads(state_file.read_text())
    _require_same({"renderer": renderer_digest(), "done": state["people"]}, state, folder)
    arrays = {key: np.load(folder / f"{key}.npy", mmap_mode="r") for key in _shapes(1)}
    return FaceSet(name=state["set"], first=FIRST_SEED[state["set"]], views=state["views"], **arrays)


def _require_same(wanted: dict[str, object], state: dict[str, object], folder: Path) -> None:
    for key, value in wanted.items():
        if state.get(key) != value:
            raise IntegrityError(
                f"the set's {key} is {state.get(key)!r}, this run needs {value!r}",
                where=str(folder),
                hint="finish the render stage, or render into a fresh folder with --work",
            )
