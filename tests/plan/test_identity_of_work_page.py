"""docs/identity-of-work.md: its examples are computed again, with hashlib and json alone."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from spring_campaign import expand

from personactl import plan
from personactl.plan.keys import keyed

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "identity-of-work.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    found = re.findall(rf"^```\w+ {name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("name", ["shot-key", "job-key", "plan"])
def test_the_examples_have_the_digests_that_the_page_says(name: str) -> None:
    data = json.dumps(json.loads(block(name)), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(data).hexdigest() == block(f"{name}-digest").strip()


def test_the_example_is_what_the_program_makes() -> None:
    assert expand().shots[0].shot_key == block("shot-key-digest").strip()
    bare = replace(expand(), policies=())
    shot = keyed(bare.shots[0], bare)
    assert shot.job_key == block("job-key-digest").strip()
    assert plan.plan_digest(replace(bare, shots=(shot,))) == block("plan-digest").strip()


def test_a_plan_file_gives_the_digest_of_its_run_as_the_page_says() -> None:
    document = plan.to_json(expand())
    expected = document.pop("sha256")
    for name in ("runId", "manifestPath", "findings"):
        del document[name]
    for shot in document["shots"]:
        for reference in shot["references"]:
            del reference["path"]
    data = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(data).hexdigest() == expected


def test_the_seeds_of_the_page() -> None:
    rows = re.findall(r"^\| `(\d+/\d+/\d+)` \| (\d+) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 5
    for text, seed in rows:
        bits = "".join(f"{byte:08b}" for byte in hashlib.sha256(text.encode("ascii")).digest())
        assert int(seed) == int(bits[:63], 2)
