"""The shipped policies, and what the loader refuses."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pytest

import personactl
from personactl import policy
from personactl.document import PolicyProblems
from personactl.errors import PolicyError

FOLDER = Path(__file__).resolve().parents[2] / "policies"
RULE = """[[rule]]
id = "one"
text = "Do it."
binds = "both"
severity = "warning"
check = "watermark"
confirmed = false
source = { title = "A book", read = "2026-11-21" }
"""
HEAD = 'schema = 1\nid = "own"\ntitle = "Own"\nsummary = "Ours."\n'


def refused(text: str) -> list[tuple[str, int]]:
    with pytest.raises(PolicyProblems) as caught:
        policy.parse(text.encode(), "own.toml")
    return [(problem.code, problem.line) for problem in caught.value.problems]


def test_all_files_of_the_folder_are_shipped_policies() -> None:
    names = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
    assert len(names) >= 7
    assert policy.builtin_ids() == names


@pytest.mark.parametrize("policy_id", policy.builtin_ids())
def test_a_shipped_policy_loads_and_its_digest_is_that_of_its_bytes(policy_id: str) -> None:
    found = policy.load(policy_id)
    assert found.id == policy_id
    assert found.rules
    assert found.sha256 == hashlib.sha256((FOLDER / f"{policy_id}.toml").read_bytes()).hexdigest()
    assert found.lock.sha256 == found.sha256


@pytest.mark.parametrize("policy_id", policy.builtin_ids())
def test_only_confirmed_rules_block(policy_id: str) -> None:
    for rule in policy.load(policy_id).rules:
        assert rule.confirmed or rule.severity != "error"
        assert rule.source
        assert rule.read_on
        if policy_id != policy.BASELINE:
            assert not rule.confirmed, "confirm a rule only after reading its primary source"
            assert re.search("second-hand|from memory", rule.source), "an unconfirmed rule says how it is known"


def test_no_policy_promises_that_a_law_is_met() -> None:
    for policy_id in policy.builtin_ids():
        assert not re.search("complian|conform(s|ing)? to", (FOLDER / f"{policy_id}.toml").read_text().lower())


def test_a_rule_on_hearsay_may_not_block() -> None:
    assert refused(HEAD + RULE.replace('"warning"', '"error"')) == [("policy.unconfirmed", 9)]
    confirmed = RULE.replace('"warning"', '"error"').replace("confirmed = false", "confirmed = true")
    assert policy.parse((HEAD + confirmed).encode(), "own.toml").rules[0].severity == "error"


def test_what_is_malformed_is_refused_at_its_place() -> None:
    assert refused(HEAD) == [("policy.missing-key", 1)]
    assert refused(HEAD + RULE.replace("watermark", "watermrak")) == [("policy.bad-value", 10)]
    assert refused(HEAD + RULE.replace("confirmed = false\n", "")) == [("policy.missing-key", 5)]
    assert refused(HEAD + RULE + "extra = 1\n") == [("policy.unknown-key", 13)]
    assert refused(HEAD + RULE + RULE) == [("policy.duplicate-id", 14)]
    assert refused("x") == [("policy.syntax", 1)]


@pytest.mark.parametrize("policy_id", ["eu-ai-act-art5", "../baseline", "", "/etc/passwd", "README"])
def test_an_unknown_policy_is_refused(policy_id: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy.load(policy_id)
    assert caught.value.code == "policy.unknown"


def test_a_near_miss_gets_a_suggestion() -> None:
    with pytest.raises(PolicyError, match="no policy") as caught:
        policy.load("eu-ai-act-art5")
    assert caught.value.hint == 'did you mean "eu-ai-act-art50"?'


def test_a_folder_of_that_name_beside_an_installed_package_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "personactl"
    package.mkdir()
    (package / "__init__.py").write_text("")
    shutil.copytree(FOLDER, tmp_path / "policies")
    monkeypatch.setattr(personactl, "__file__", str(package / "__init__.py"))
    monkeypatch.setattr("importlib.resources.files", lambda _: package)
    with pytest.raises(PolicyError) as caught:
        policy.builtin()
    assert caught.value.code == "policy.not-installed"
    (tmp_path / "pyproject.toml").write_text("")
    assert policy.builtin() == tmp_path / "policies"
    shutil.copytree(FOLDER, package / "policies")
    assert policy.builtin() == package / "policies"
