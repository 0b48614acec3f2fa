"""Renewing the project's own trust.json: what it holds besides the keys stays, unless it is asked for anew."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import rotating
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from personactl_ledger import Ledger
from personactl_ledger.cosignature import WitnessSigner
from rotating import LATER

from personactl import keys
from personactl.config import Config
from personactl.errors import UsageProblem
from personactl.keys import project_trust, trust
from personactl.keys.project_trust import Asked
from personactl.keys.rotation_folder import Request


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A project whose trust.json says more than its keys and its ledger do."""
    project = rotating.make(tmp_path_factory.mktemp("made") / "project")
    done = keys.rotate(project, Request(role="ledger", compromised_since=4, reason="lost"), now=LATER)
    root = (project.keys_path / "c2pa-root.pem").read_text()
    change(
        project, name="By Hand", tsaRoots=[root], witnesses={"quorum": 1, "vkeys": witness("a")}, detector="by hand",
        revoked=[{"kid": done.old, "fromIndex": 0}], later={"a": "key of a later version"},
    )  # fmt: skip
    return project


@pytest.fixture
def project(made: Config, tmp_path: Path) -> Config:
    return rotating.copied(made, tmp_path / "project")


def witness(name: str) -> list[str]:
    return [str(key) for key in WitnessSigner(f"{name}.example", Ed25519PrivateKey.generate()).verifier_keys]


def document(project: Config) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(project.trust_path.read_bytes())
    return said


def change(project: Config, **said: Any) -> None:
    project.trust_path.write_text(json.dumps(document(project) | said))


def renewed(project: Config, **asked: Any) -> dict[str, Any]:
    with Ledger.open_reader(project.ledger_path) as ledger:
        data = project_trust.renewed(
            project.trust_path, keys.load(project.keys_path), ledger, Asked(**asked), now=LATER
        )  # fmt: skip
    trust.parse(data, "renewed")
    said: dict[str, Any] = json.loads(data)
    return said


def test_what_the_file_holds_stays(project: Config) -> None:
    assert renewed(project) == document(project) | {"issuedAt": LATER}


def test_new_keys_are_named_beside_it(project: Config) -> None:
    before = document(project)
    project.trust_path.unlink()  # so that the rotation cannot bring it up to date
    keys.rotate(project, Request(role="ledger"), now=LATER)
    project.trust_path.write_text(json.dumps(before))
    after = renewed(project)
    assert set(before["logKeys"]) < set(after["logKeys"])
    assert {key for key in after if after[key] != before[key]} == {"logKeys"}


@pytest.mark.parametrize(("asked", "key", "value"), [
    ({"name": "Another"}, "name", "Another"), ({"detector": "https://example.org"}, "detector", "https://example.org"),
])  # fmt: skip
def test_what_is_asked_for_is_said_anew_and_nothing_else(
    project: Config, asked: dict[str, str], key: str, value: str
) -> None:
    assert renewed(project, **asked) == document(project) | {"issuedAt": LATER, key: value}


def test_witnesses_and_their_number_are_asked_for_by_themselves(project: Config) -> None:
    before, others = document(project)["witnesses"]["vkeys"], witness("b")
    assert renewed(project, witnesses=others)["witnesses"] == {"quorum": 0, "vkeys": others}
    assert renewed(project, quorum=0)["witnesses"] == {"quorum": 0, "vkeys": before}
    assert renewed(project, witnesses=others, quorum=1)["witnesses"] == {"quorum": 1, "vkeys": others}
    with pytest.raises(UsageProblem):
        renewed(project, quorum=2)


def test_report_keys_stay_until_others_are_named(project: Config) -> None:
    one, other = (Ed25519PrivateKey.generate().public_key().public_bytes_raw() for _ in range(2))
    change(project, reportKeys=[b64encode(one).decode()])
    assert renewed(project)["reportKeys"] == [b64encode(one).decode()]
    assert renewed(project, report_keys=(other,))["reportKeys"] == [b64encode(other).decode()]


def test_the_earlier_of_two_ends_of_a_key_counts(project: Config) -> None:
    kid = document(project)["revoked"][0]["kid"]
    assert renewed(project)["revoked"] == [{"kid": kid, "fromIndex": 0}]
    change(project, revoked=[])
    assert renewed(project)["revoked"] == [{"kid": kid, "fromIndex": 4}]
