"""The label of a clip: one place, one size, one colour, from the first frame to the last, also in an encoded file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labels import plain, spec
from signed_pictures import picture

from personactl.disclose import label
from personactl.errors import DisclosureError

Array = np.ndarray[Any, Any]


def clip(count: int = 12, side: int = 256) -> list[Array]:
    """A picture that moves a little and grows darker."""
    still = picture(side, side + count)
    return [(still[:, k : k + side] * (1 - 0.05 * k)).astype(np.uint8) for k in range(count)]


def test_the_label_is_the_same_in_every_frame() -> None:
    frames = clip()
    labelled, drawing = label.label_frames(frames, spec(), faces=[(90, 60, 170, 180)])
    assert len(labelled) == len(frames)
    inside = drawing.badge.plate >= 1
    for frame in labelled:
        there = label.region(frame, drawing.placed.box)
        assert np.array_equal(there[inside], drawing.pixels[inside])
        assert label.measured(there, drawing.badge) >= 15


def test_the_faces_of_all_frames_are_avoided() -> None:
    _, drawing = label.label_frames(clip(2), spec(), faces=[(150, 0, 250, 60), (0, 0, 60, 60), (200, 200, 256, 256)])
    assert drawing.placed.place == "bottom-left"
    corners = [(0, 0, 128, 128), (128, 0, 256, 128), (0, 128, 128, 256), (128, 128, 256, 256)]
    with pytest.raises(DisclosureError, match="no permitted place"):
        label.label_frames(clip(2), spec(), faces=corners)


def test_the_colour_is_that_of_the_worst_frame() -> None:
    """Light frames but for one that is almost black: a dark plate would vanish there, a light one is seen in all."""
    frames = [plain(150), plain(150), plain(5)]
    _, drawing = label.label_frames(frames, spec())
    assert not drawing.dark
    assert label.label_frames(frames[:2], spec())[1].dark
    assert drawing.edge >= 3


def test_a_clip_without_frames_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        label.label_frames([], spec())


def test_the_label_is_there_in_the_first_and_last_frame_of_an_mp4(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="clips are written with OpenCV, of the extra [generate]")
    labelled, drawing = label.label_frames(clip(), spec())
    path = str(tmp_path / "clip.mp4")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"mp4v"), 12, (256, 256))
    assert writer.isOpened()
    for frame in labelled:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    reader = cv2.VideoCapture(path)
    decoded = []
    while True:
        good, frame = reader.read()
        if not good:
            break
        decoded.append(frame[..., ::-1])
    reader.release()
    assert len(decoded) == len(labelled)
    for frame in (decoded[0], decoded[-1]):
        label.require_drawn(frame, drawing)
    bare = clip()[0]
    with pytest.raises(DisclosureError):
        label.require_drawn(bare, drawing)
