"""The plan of the small campaign, for every test of this room."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from spring_campaign import expand

from personactl.model import Plan


@pytest.fixture
def make() -> Callable[..., Plan]:
    return expand
