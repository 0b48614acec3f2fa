"""Pixels out of a file, within limits: the one place that decodes pictures of strangers."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from PIL import Image

from personactl.disclose import formats
from personactl.disclose.parts import ContainerError, OverLimitError
from personactl.errors import IntegrityError

MAX_PIXELS = 128_000_000

warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is ours, lower than Pillow's error


def decode(data: bytes, *, limit: int = MAX_PIXELS) -> np.ndarray[Any, Any]:
    """The picture as uint8 RGB (height, width, 3). Raises IntegrityError for what is not a sound picture.

    Only the decoder of the sniffed format runs, PNG, JPEG or WebP, and only up to `limit` pixels, 128 megapixels at
    most. A larger picture has the code `disclosure.picture-too-large` and is not decoded.
    """
    row = formats.sniff(data)
    if row is None:
        raise _unreadable("its type is not on the list of formats that are read")
    _bound(row, data)
    try:
        with Image.open(io.BytesIO(data), formats=(row.pillow,)) as picture:
            if picture.width * picture.height > min(limit, MAX_PIXELS):
                raise _too_large(picture.width, picture.height, min(limit, MAX_PIXELS))
            return np.array(picture.convert("RGB"))
    except IntegrityError:
        raise
    except Exception as error:  # OSError, SyntaxError, struct.error, MemoryError …: decoders raise anything
        raise _unreadable(str(error)[:200] or type(error).__name__) from None


def _bound(row: formats.Format, data: bytes) -> None:
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
