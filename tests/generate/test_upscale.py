"""A pack with an upscaler makes pictures of twice its native size; one that lies about it is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_pack import add_upscaler, index_pack

from personactl.errors import WeightsError
from personactl.generate import lock_model, open_backend
from personactl.model import Candidate, Shot


@pytest.fixture
def made(pack: Path, make_shot: Callable[..., Shot], faces: np.ndarray[Any, Any]) -> Callable[[int, int], Candidate]:
    def make(width: int, height: int) -> Candidate:
        lock, _ = lock_model(str(pack), project=pack.parent)
        backend = open_backend(lock, str(pack), profile="exact", project=pack.parent)
        shot = make_shot(width=width, height=height)
        try:
            return backend.run(shot, attempt=0, seed=5, conditioning=faces[:1])
        finally:
            backend.close()

    return make


def test_twice_the_native_size_is_the_native_picture_enlarged(
    pack: Path, made: Callable[[int, int], Candidate]
) -> None:
    add_upscaler(pack)
    native, double = made(128, 128), made(256, 256)
    assert double.pixels.shape == (256, 256, 3)
    assert (double.pixels == native.pixels.repeat(2, axis=0).repeat(2, axis=1)).all()
    assert (native.environment["enlarged"], double.environment["enlarged"]) == ("false", "true")


def test_every_other_size_is_generated_as_it_is(pack: Path, made: Callable[[int, int], Candidate]) -> None:
    before = made(256, 128)
    add_upscaler(pack)
    after = made(256, 128)
    assert after.pixels_sha256 == before.pixels_sha256
    assert after.environment["enlarged"] == "false"


def test_another_upscaler_is_another_model(pack: Path) -> None:
    without = lock_model(str(pack), project=pack.parent)[0]
    add_upscaler(pack)
    first = lock_model(str(pack), project=pack.parent)[0]
    file = pack / "upscaler/upscaler.onnx"
    file.write_bytes(file.read_bytes() + b"\x72\x00")  # an empty metadata entry: the same network, other bytes
    index_pack(pack, upscaler={"file": "upscaler/upscaler.onnx", "scale": 2})
    second = lock_model(str(pack), project=pack.parent)[0]
    assert len({without.sha256, first.sha256, second.sha256}) == 3
    assert "upscaler/upscaler.onnx" in {entry.path for entry in first.files}


def refused(action: Callable[[], object]) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        action()
    return caught.value


def test_an_upscaler_of_another_scale_than_it_says_is_refused(
    pack: Path, made: Callable[[int, int], Candidate]
) -> None:
    add_upscaler(pack, scale=3)
    error = refused(lambda: made(256, 256))
    assert error.code == "weights.cannot-load"
    assert "not 2 times the size" in error.message


def test_a_file_that_is_no_network_is_refused_by_name(pack: Path, made: Callable[[int, int], Candidate]) -> None:
    add_upscaler(pack)
    (pack / "upscaler/upscaler.onnx").write_bytes(b"not a network")
    index_pack(pack, upscaler={"file": "upscaler/upscaler.onnx", "scale": 2})
    error = refused(lambda: made(256, 256))
    assert (error.code, error.where) == ("weights.cannot-load", "upscaler.onnx")


def test_a_pack_that_names_a_missing_upscaler_is_refused(pack: Path) -> None:
    index_pack(pack, upscaler={"file": "upscaler/upscaler.onnx", "scale": 2})
    error = refused(lambda: lock_model(str(pack), project=pack.parent))
    assert (error.code, error.where) == ("weights.incomplete", "upscaler/upscaler.onnx")


@pytest.mark.parametrize(
    "upscaler",
    [
        {"file": "upscaler/upscaler.onnx", "scale": 4},
        {"file": "upscaler/upscaler.onnx", "scale": "2"},
        {"file": "../upscaler.onnx", "scale": 2},
        {"scale": 2},
        [],
    ],
    ids=["scale 4", "text scale", "outside", "no file", "no object"],
)
def test_a_malformed_upscaler_entry_is_refused(pack: Path, upscaler: object) -> None:
    index_pack(pack, upscaler=upscaler)
    assert refused(lambda: lock_model(str(pack), project=pack.parent)).code == "weights.pack-invalid"
