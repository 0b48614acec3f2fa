"""What a new project contains: text files, and the record of the demo persona.

What they say must be what the other rooms read: tests load each of them. The demo persona's pictures were drawn by
`personactl.pocket.demo`; the record below describes what they show.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ORGANISATION, DOMAIN = "Example Studio", "example.org"

CONFIG = """\
schema = 1
role = "both"                    # provider | deployer | both
ledger = "ledger.sqlite"
keys = "keys"
policies = ["eu-ai-act-art50"]   # of manifests that name none; the baseline always applies

[organisation]                   # public: it stands in every file you deliver
name = {name}
domain = {domain}
contact = ""
"""

SPRING = """\
schema = 1

[campaign]
id = "spring"
persona = "lira@1"
policies = ["eu-ai-act-art50"]
commercial = true

[model]
path = "pocket"                  # the built-in pack, or a local folder
profile = "exact"                # one picture at a time, the same bits every time

[reference]
roles = ["hero", "three-quarter"]

[style]                          # one block for every shot: same framing and light
framing = "portrait"
lighting = "soft light"

[identity]
threshold = "calibrated"
attempts = 4
on_drift = ["reseed"]

[output]
size = [256, 256]                # the pack generates 128 x 128, its upscaler doubles that

[[scene]]                        # shots that share light and place
id = "night-street"
prompt = "night street"
lighting = "neon light"

[[shot]]
id = "night"
scene = "night-street"
prompt = "frontal view"
mood = "serious"
wardrobe = "red coat"
count = 4
seed = 1001                      # without a seed, pictures differ from project to project

[[shot]]
id = "beach"
prompt = "frontal view, beach"
mood = "smiling"
wardrobe = "yellow shirt"
count = 4
seed = 1002

[[shot]]
id = "forest"
prompt = "frontal view, forest"
mood = "neutral"
wardrobe = "green sweater"
count = 4
seed = 1003
"""

FIRST = """\
schema = 1

[campaign]
id = "first"
persona = "lira@1"
policies = ["eu-ai-act-art50"]

[style]
framing = "portrait"
lighting = "soft light"

[output]
size = [256, 256]

[[shot]]
id = "hello"
prompt = "frontal view, studio"
mood = "smiling"
wardrobe = "blue shirt"
count = 2
seed = 1000
"""

IGNORE = """\
# Private keys never go into git.
/keys/
# Working state; the ledger is the evidence.
/.personactl/
/out/
*.sqlite.lock
"""

PIPELINE = """\
# An example for GitHub Actions: copy it to .github/workflows/ and adapt it.
# The plan of a change is shown before it is merged; delivered files are verified with reports for the pipeline.
name: personactl
on: [pull_request]
permissions:
  contents: read
jobs:
  plan:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
      - run: pip install personactl
      - run: personactl plan manifests/spring.toml --json > plan.json
  verify:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
      - run: pip install personactl
      # Exit 0 only when every file passes; both reports are written before a failing exit.
      - run: personactl verify delivery --trust trust.json --report junit=verify.xml --report md=$GITHUB_STEP_SUMMARY
"""


PERSONA = "lira"
PICTURES = {"hero": "hero.png", "front": "front.png", "three-quarter": "three-quarter.png", "expression": "smiling.png"}
"""Role → file of the demo persona's folder."""
RECORD: dict[str, Any] = {
    "name": "Lira",
    "origin": "synthetic",
    "face": {"skin": "fair skin", "eyes": "green eyes", "moles": "a mole below the right corner of the mouth"},
    "hair": "long brown hair",
    "wardrobe": {"default": "red coat"},
    "lighting": "soft light",
    "palette": {"skin": "#f4c7ad", "hair": "#8c5233", "iris": "#369776", "lips": "#df7772"},
    # The pocket pack was trained on captions without names and traits: the reference pictures say who it is.
    "prompt": {"name": "", "traits": []},
    "notes": "A demo. Drawn by the renderer of personactl.pocket: not generated, and nobody real.",
}


def persona(folder: Path, blank: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(record, {reference path: picture}) of the demo persona, from the blank record and the pictures in `folder`."""
    pictures = {role: (folder / name).read_bytes() for role, name in PICTURES.items()}
    references = [
        {
            "role": role,
            "path": f"refs/{PICTURES[role]}",
            "sha256": hashlib.sha256(data).hexdigest(),
            "license": "Apache-2.0",
            "source": "drawn by personactl.pocket",
            "digitalSourceType": "algorithmicMedia",  # drawn by rules, not by a trained model
        }
        for role, data in pictures.items()
    ]
    files = {f"refs/{PICTURES[role]}": data for role, data in pictures.items()}
    return {**blank, **RECORD, "references": references}, files


def files(*, name: str, domain: str) -> dict[str, bytes]:
    """The scaffold as {path relative to the project: UTF-8}. `name` and `domain` are written as TOML strings."""
    texts = {
        "personactl.toml": CONFIG.format(name=_toml(name), domain=_toml(domain)),
        "manifests/spring.toml": SPRING,
        "manifests/first.toml": FIRST,
        ".gitignore": IGNORE,
        "ci/personactl.yml": PIPELINE,
    }
    return {path: text.encode("utf-8", "backslashreplace") for path, text in texts.items()}


def _toml(text: str) -> str:
    """A TOML basic string. JSON's escapes are a subset of TOML's but for surrogate pairs, so nothing else is escaped
    (toml.io/en/v1.0.0#string); what TOML does not allow raw is left to be refused by whoever reads it."""
    return json.dumps(text, ensure_ascii=False)
