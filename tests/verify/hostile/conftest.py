"""Both studios together: ours, whose trust file the verifier has, and a stranger's."""

from __future__ import annotations

import pytest
from attacks import Studios
from studio import Studio


@pytest.fixture(scope="session")
def studios(ours: Studio, theirs: Studio) -> Studios:
    return Studios(ours, theirs)
