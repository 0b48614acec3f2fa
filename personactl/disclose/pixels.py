"""Pixels out of a file, within limits: the one place that decodes pictures of strangers."""

from __future__ import annotations

import io
import logging
import warnings
from typing import Any

import numpy as np
from PIL import Image

from personactl.disclose import formats
from personactl.disclose.parts import ContainerError, OverLimitError
from personactl.errors import IntegrityError

MAX_PIXELS = 128_000_000

warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is ours, lower than Pillow's error
logging.getLogger("PIL").addHandler(logging.NullHandler())  # what is wrong with a file is said by the error, once


def decode(data: bytes, *, limit: int = MAX_PIXELS) -> np.ndarray[Any, Any]:
    """The picture as uint8 RGB (height, width, 3). Raises IntegrityError for what is not a sound picture.

    Only the decoder of the sniffed format runs, and only up to `limit` pixels, 128 megapixels at most. A larger picture
    has the code `disclosure.picture-too-large`; a clip, a file of several pictures and a TIFF in a compression that is
    not on the list have `disclosure.picture-not-decoded`. None of these is decoded. Raises MemoryError too.
    """
    most = min(limit, MAX_PIXELS)
    row = _decodable(data, most)
    try:
        with Image.open(io.BytesIO(data), formats=(row.pillow,)) as picture:
            if picture.width * picture.height > most:
                raise _too_large(picture.width, picture.height, most)
            number = getattr(picture, "n_frames", 1)
            if number != 1 and picture.format == row.pillow:  # a JPEG may be read as "MPO": its first picture counts
                raise _not_decoded(f"it holds {number} pictures")
            return _rgb(picture)
    except (IntegrityError, MemoryError):
        raise
    except Image.DecompressionBombError:  # beyond what anybody would be asked to look at
        raise _unreadable(f"it has more than {most} pixels, the limit here") from None
    except Exception as error:  # OSError, SyntaxError, struct.error …: decoders raise anything
        raise _unreadable(str(error)[:200] or type(error).__name__) from None


def _decodable(data: bytes, most: int) -> formats.Format:
    """The format of a file that may go to its decoder. Raises IntegrityError."""
    row = formats.sniff(data)
    if row is None:
        raise _unreadable("its type is not on the list of formats that are read")
    if not isinstance(row, formats.Format):
        raise _not_decoded("it is a clip")
    _bound(row, data)
    try:
        reason = row.not_decoded(data)
        width, height = (0, 0) if reason else row.coded_size(data)
    except ContainerError as error:
        raise _unreadable(str(error)) from None
    if reason:
        raise _not_decoded(reason)
    if width * height > most:
        raise _too_large(width, height, most)
    return row


def _rgb(picture: Image.Image) -> np.ndarray[Any, Any]:
    """Eight bits of each sample: the upper ones of sixteen. Raises IntegrityError for samples of 32 bits."""
    if picture.mode.startswith("I;16"):
        grey = (np.asarray(picture) >> 8).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if picture.mode in ("I", "F"):
        raise _not_decoded("its samples have 32 bits")
    return np.array(picture.convert("RGB"))


def _bound(row: formats.Container, data: bytes) -> None:
    """Refuse what would keep a decoder busy for long, such as thousands of scans. Other faults are the decoder's."""
    try:
        row.parts(data)
    except OverLimitError as error:
        raise _unreadable(str(error)) from None
    except ContainerError:
        return


def _too_large(width: int, height: int, limit: int) -> IntegrityError:
    return IntegrityError(
        f"the picture cannot be decoded: {width}x{height} is more than {limit} pixels, the limit here",
        hint="a few kilobytes can unfold into gigabytes; scale the picture down if it is yours",
        code="disclosure.picture-too-large",
    )


def _unreadable(reason: str) -> IntegrityError:
    return IntegrityError(
        f"the picture cannot be decoded: {reason}",
        hint="ask for the file again; it may have been cut off on its way",
        code="disclosure.picture-unreadable",
    )


def _not_decoded(reason: str) -> IntegrityError:
    return IntegrityError(
        f"the pixels are not looked at: {reason}",
        hint="its credential and metadata are read all the same",
        code="disclosure.picture-not-decoded",
    )
