"""docs/identity-of-work.md: its examples are computed again, with hashlib and json alone."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from spring_campaign import expand

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "identity-of-work.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    found = re.findall(rf"^```\w+ {name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("name", ["shot-key", "job-key"])
def test_the_examples_have_the_digests_that_the_page_says(name: str) -> None:
    data = json.dumps(json.loads(block(name)), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(data).hexdigest() == block(f"{name}-digest").strip()


def test_the_example_is_what_the_program_makes() -> None:
    assert expand().shots[0].shot_key == block("shot-key-digest").strip()


def test_the_seeds_of_the_page() -> None:
    rows = re.findall(r"^\| `(\d+/\d+/\d+)` \| (\d+) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 5
    for text, seed in rows:
        bits = "".join(f"{byte:08b}" for byte in hashlib.sha256(text.encode("ascii")).digest())
        assert int(seed) == int(bits[:63], 2)
