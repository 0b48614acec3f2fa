"""Short texts that a model's makers chose and that people read: ASCII letters and digits and little else.

Control characters would steer a terminal, bidirectional ones and look-alikes would show another text than was recorded.
"""

from __future__ import annotations

import re
from typing import Any

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,63}")
# What SPDX 2.3, annex D asks for in an expression; "++" stands in the identifiers of some model licences.
_LICENCE = re.compile(r"[A-Za-z0-9(][A-Za-z0-9 .+():-]{0,99}")


def label(value: Any, what: str) -> str:
    """A name or version. Raises ValueError, which says `what`."""
    if not isinstance(value, str) or not _LABEL.fullmatch(value):
        raise ValueError(f"{what} is not a short plain text (letters, digits, space and ._+- only, at most 64)")
    return value


def licence(value: Any) -> str:
    """A licence identifier or an SPDX licence expression. Raises ValueError."""
    if not isinstance(value, str) or not _LICENCE.fullmatch(value):
        raise ValueError("license is not an SPDX licence expression of at most 100 characters")
    return value
