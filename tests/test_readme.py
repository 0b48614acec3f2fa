"""The README tells the truth: its transcript is what the commands print."""

from __future__ import annotations

from pathlib import Path

import pytest
import readme


@pytest.mark.slow
@pytest.mark.pack
def test_the_transcript_in_the_readme_is_what_the_commands_print(tmp_path: Path) -> None:
    assert readme.comparable(readme.transcript(tmp_path)) == readme.comparable(readme.shown())
