"""personactl.toml: found upward, complete, and refused with every problem at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from personactl import config
from personactl.document import ConfigProblems
from personactl.errors import ConfigError, UsageProblem

TEXT = """schema = 1
role = "deployer"
ledger = "evidence/ledger.sqlite"
keys = "secret"
policies = ["eu-ai-act-art50"]
detector = "https://example.org/check"

[organisation]
name = "Example Studio"
domain = "studio.example.org"
contact = "ai@example.org"
"""
SHORT = 'schema = 1\n[organisation]\nname = "Example"\ndomain = "example.org"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "manifests").mkdir(parents=True)
    (folder / config.FILE_NAME).write_text(TEXT)
    return folder


def problems(text: str, project: Path) -> list[tuple[str, int, int]]:
    with pytest.raises(ConfigProblems) as caught:
        config.parse(text.encode(), path="personactl.toml", project=project)
    assert caught.value.exit_code == 2
    return [(problem.code, problem.line, problem.column) for problem in caught.value.problems]


def test_everything_is_read(project: Path) -> None:
    found = config.find(project)
    assert found == config.Config(
        project=project,
        organisation_name="Example Studio",
        domain="studio.example.org",
        contact="ai@example.org",
        role="deployer",
        ledger_path=project / "evidence/ledger.sqlite",
        keys_path=project / "secret",
        trust_path=project / "trust.json",
        policies=("eu-ai-act-art50",),
        detector="https://example.org/check",
    )


def test_the_folder_of_trustmarks_weights_lies_in_the_project(project: Path) -> None:
    text = TEXT + '[watermark]\ntrustmark = "models/trustmark"\n'
    found = config.parse(text.encode(), path="personactl.toml", project=project)
    assert found.trustmark_path == project / "models/trustmark"
    assert [code for code, _, _ in problems(text.replace("models", ".."), project)] == ["config.bad-path"]
    (project / "models").symlink_to("manifests")
    with pytest.raises(UsageProblem):
        config.parse(text.encode(), path="personactl.toml", project=project)


def test_the_nearest_file_upward_is_taken(project: Path) -> None:
    assert config.find(project / "manifests").project == project
    inner = project / "manifests" / "inner"
    inner.mkdir()
    (inner / config.FILE_NAME).write_text(SHORT)
    assert config.find(inner).project == inner


def test_what_is_left_out_has_defaults(project: Path) -> None:
    found = config.parse(SHORT.encode(), path="x", project=project)
    assert (found.role, found.ledger_path.name, found.keys_path.name) == ("both", "ledger.sqlite", "keys")
    assert (found.policies, found.detector, found.contact) == ((), "", "")


def test_no_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.find(tmp_path)
    assert caught.value.code == "config.missing"
    assert "personactl init" in (caught.value.hint or "")


def test_a_linked_file_is_refused(project: Path) -> None:
    inner = project / "inner"
    inner.mkdir()
    (inner / config.FILE_NAME).symlink_to(project / config.FILE_NAME)
    with pytest.raises(UsageProblem) as caught:
        config.find(inner)
    assert caught.value.code == "file.symlink"


@pytest.mark.parametrize("name", ["keys", "ledger.sqlite"])
def test_keys_and_ledger_are_not_reached_through_links(project: Path, name: str) -> None:
    (project / name).symlink_to(project.parent)
    with pytest.raises(UsageProblem) as caught:
        config.parse(SHORT.encode(), path="x", project=project)
    assert caught.value.code == "file.symlink"


def test_all_problems_at_once(project: Path) -> None:
    text = (
        'schema = 1\nrole = "provder"\nledgr = "x"\nkeys = "../keys"\n[organisation]\nname = ""\ndomain = "Example"\n'
    )
    assert problems(text, project) == [
        ("config.bad-value", 2, 8),
        ("config.unknown-key", 3, 1),
        ("config.bad-path", 4, 8),
        ("config.empty-text", 6, 8),
        ("config.bad-value", 7, 10),
    ]


@pytest.mark.parametrize("uri", ["pkcs11:token=x", "awskms:alias/x", "keyring:x"])
def test_keys_elsewhere_are_known_and_not_available(project: Path, uri: str) -> None:
    assert problems(f'keys = "{uri}"\n{SHORT}', project) == [("feature.not-available", 1, 8)]


@pytest.mark.parametrize("domain", ["example", "-a.org", "a..org", "a.org/x", "a.org\\n", "é.org", "a" * 64 + ".org"])
def test_what_is_no_domain_is_refused(project: Path, domain: str) -> None:
    text = SHORT.replace("example.org", domain)
    assert problems(text, project) == [("config.bad-value", 4, 10)]


@pytest.mark.parametrize("detector", ["javascript:alert(1)", "ftp://x", "https://a b", "https://"])
def test_a_detector_is_an_address(project: Path, detector: str) -> None:
    assert problems(f'detector = "{detector}"\n{SHORT}', project) == [("config.bad-value", 1, 12)]


def test_broken_text_points_at_its_line(project: Path) -> None:
    assert problems("schema = 1\n[organisation\n", project) == [("config.syntax", 2, 14)]
    assert problems("", project) == [("config.empty", 1, 1)]
    assert problems("#" * 70_000, project) == [("config.too-large", 1, 1)]
