"""The ISCC Image-Code: the code that entries record, and the codes that a copy is looked up by."""

from __future__ import annotations

import iscc_lib
import numpy as np
import pytest
from PIL import Image, ImageOps

from personactl.disclose import fingerprint


def scenery(seed: int, width: int = 200, height: int = 150) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def bits(picture: Image.Image) -> bytes:
    return fingerprint.bits_of(fingerprint.image_code(np.asarray(picture)))


def codes(picture: Image.Image) -> tuple[bytes, ...]:
    return fingerprint.look_up_codes(np.asarray(picture))


def test_the_code_is_that_of_the_standard_library_for_the_small_grey_picture() -> None:
    picture = scenery(1)
    grey = picture.convert("L").resize((32, 32), Image.Resampling.BICUBIC)
    code = fingerprint.image_code(np.asarray(picture))
    assert code == iscc_lib.gen_image_code_v0(grey.tobytes(), 256).iscc
    assert fingerprint.bits_of(code) == iscc_lib.iscc_decode(code)[4]


def test_a_picture_is_looked_up_as_it_is_and_mirrored() -> None:
    picture = scenery(2)
    assert codes(picture) == (bits(picture), bits(ImageOps.mirror(picture)))


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (7, 99, 200)])
def test_a_border_of_one_colour_is_also_left_away(colour: tuple[int, int, int]) -> None:
    picture = scenery(3)
    framed = ImageOps.expand(picture, border=(30, 10), fill=colour)
    assert codes(framed)[:2] == (bits(framed), bits(ImageOps.mirror(framed)))
    assert codes(framed)[2:] == codes(picture)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (64, 64)])
def test_what_has_no_structure_has_no_code_to_look_up(size: tuple[int, int]) -> None:
    assert codes(Image.new("RGB", size, (120, 30, 30))) == ()


def test_a_strip_is_not_made_a_square_of() -> None:
    strip = np.random.default_rng(1).integers(0, 256, (32, 32 * fingerprint.MAX_ASPECT + 1, 3), dtype=np.uint8)
    assert fingerprint.look_up_codes(strip) == ()
    assert len(fingerprint.look_up_codes(strip[:, :-1])) == 2


@pytest.mark.parametrize(
    "text", ["", "ISCC:", "ISCC:EED", "ISCC:1", "EED" + "A" * 50, "ISCC:KED" + "A" * 50, "ISCC:É", None, 7]
)
def test_what_is_no_such_code_has_no_bits(text: object) -> None:
    assert fingerprint.bits_of(text) == b""
    assert fingerprint.bits_of("ISCC:" + "A" * 10_000) == b""
