"""The header of a safetensors file: 8 bytes little-endian length, that many bytes of JSON, then the tensors.

Checked as the format asks (github.com/huggingface/safetensors, "Format"): the header begins with `{`, every range lies
in the buffer, ranges neither overlap nor leave holes, and each has the size that its dtype and shape say.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

from personactl.errors import WeightsError

MAX_HEADER_BYTES = 16 << 20
MAX_DIMENSIONS = 8
MAX_DIMENSION = 1 << 40  # exclusive
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def read_shapes(path: str, descriptor: int, size: int) -> Mapping[str, tuple[int, ...]]:
    """Tensor name → shape. Raises WeightsError (weights.safetensors-invalid)."""
    length = int.from_bytes(os.pread(descriptor, 8, 0), "little")
    if size < 10 or not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
        raise _invalid(path, "the header length does not fit the file")
    data = os.pread(descriptor, length, 8)
    if data[:1] != b"{":
        raise _invalid(path, "the header is not a JSON object")
    try:
        header = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _invalid(path, f"the header is not valid JSON ({error})") from error
    header.pop("__metadata__", None)
    shapes, ranges = {}, []
    for name, entry in header.items():
        shapes[name], span = _entry(path, name, entry)
        ranges.append(span)
    _check_cover(path, ranges, size - 8 - length)
    return shapes


def _entry(path: str, name: str, entry: Any) -> tuple[tuple[int, ...], tuple[int, int]]:
    try:
        dtype, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS:
            raise ValueError(f"the shape is not a list of at most {MAX_DIMENSIONS} dimensions")
        # Bounded before they are multiplied: the product of a header full of large numbers takes minutes.
        if any(type(count) is not int or not 0 <= count < MAX_DIMENSION for count in (*shape, start, stop)):
            raise ValueError("a negative, fractional or absurdly large count")
        if math.prod(shape) * BITS[dtype] != 8 * (stop - start):
            raise ValueError("the size does not fit dtype and shape")
    except (TypeError, KeyError, ValueError) as error:
        raise _invalid(path, f"tensor {name[:80]!r}: {error}") from error
    return tuple(shape), (start, stop)


def _check_cover(path: str, ranges: list[tuple[int, int]], size: int) -> None:
    end = 0
    for start, stop in sorted(ranges):
        if start != end:
            raise _invalid(path, "tensors overlap or leave a hole")
        end = stop
    if end != size:
        raise _invalid(path, f"{size - end} bytes belong to no tensor")


def _invalid(path: str, reason: str) -> WeightsError:
    return WeightsError(
        f"not a sound safetensors file: {reason}",
        where=path,
        hint="get the file again from its source",
        code="weights.safetensors-invalid",
    )
