"""The text files of a new project. What they say must be what the other rooms read: tests load each of them."""

from __future__ import annotations

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

[[shot]]
id = "beach"
prompt = "frontal view, beach"
mood = "smiling"
wardrobe = "yellow shirt"
count = 4

[[shot]]
id = "forest"
prompt = "frontal view, forest"
mood = "neutral"
wardrobe = "green sweater"
count = 4
seed = 1234
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

[[shot]]
id = "hello"
prompt = "frontal view, studio"
mood = "smiling"
wardrobe = "blue shirt"
count = 2
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
    import json

    return json.dumps(text, ensure_ascii=False)
