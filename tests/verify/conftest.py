"""Two studios, made once: ours, and another one that has nothing to do with it."""

from __future__ import annotations

import pytest
import studio
from studio import Studio


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    folder = tmp_path_factory.mktemp("ours")
    return studio.make(
        folder,
        organisation="Example Studio",
        domain="studio.example",
        formats=("png", "jpeg", "webp", "avif", "tiff"),
        first=0xA0,
    )


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """The same organisation name, other keys: what a stranger can make."""
    folder = tmp_path_factory.mktemp("theirs")
    return studio.make(folder, organisation="Example Studio", domain="studio.example", formats=("png",), first=0xB0)
