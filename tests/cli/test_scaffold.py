"""What `init` writes is what the other rooms read, and `init` is all or nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from personactl import config, manifest, persona
from personactl.cli import init, prepare, scaffold
from personactl.errors import ConflictError, ManifestError, PersonactlError


def test_the_manifests_are_valid_and_of_the_sizes_that_the_readme_says() -> None:
    spring = manifest.parse(scaffold.SPRING.encode(), "spring.toml")
    assert [shot.count for shot in spring.shots] == [4, 4, 4]
    first = manifest.parse(scaffold.FIRST.encode(), "first.toml")
    assert [shot.count for shot in first.shots] == [2]
    assert all(shot.seed is not None for shot in (*spring.shots, *first.shots)), "the demo must be repeatable"


def test_the_demo_persona_has_every_role_that_the_manifests_use(tmp_path: Path) -> None:
    draft = persona.create(tmp_path, scaffold.PERSONA)
    made = persona.update(tmp_path, draft, *scaffold.persona(init.demo_persona(), draft.record))
    spring = manifest.parse(scaffold.SPRING.encode(), "spring.toml")
    assert set(spring.reference.roles) <= {reference.role for reference in made.references}
    assert (spring.campaign.persona_id, spring.campaign.persona_version) == (made.id, made.version)
    prompts = [persona.compose(made, spring, shot)[0] for shot in spring.shots]
    assert prompts[1] == "yellow shirt, frontal view, beach, smiling, portrait, soft light"
    assert "neon light" in prompts[0]


@pytest.mark.parametrize("name", ["Example Studio", 'Anna "A" \\ Co', "Ünïcode GmbH", "日本 🎨"])
def test_any_organisation_name_survives_the_configuration(name: str, tmp_path: Path) -> None:
    data = scaffold.files(name=name, domain="example.org")["personactl.toml"]
    parsed = config.parse(data, path="personactl.toml", project=tmp_path)
    assert parsed.organisation_name == name
    assert tomllib.loads(data.decode())["policies"] == ["eu-ai-act-art50"]


@pytest.mark.parametrize("name", ["", "a\x7fb", "a\x1bb", "line\nbreak", "byte\udcff", "x" * 101])
def test_a_name_that_no_certificate_carries_is_refused_before_any_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(PersonactlError) as refused, init._whole(tmp_path / "new") as staging:
        init._fill(staging, organisation=name, domain="example.org")
    assert refused.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_a_step_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(init, "demo_persona", fail)
    for target in (tmp_path / "new", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(KeyboardInterrupt), init._whole(target) as staging:
            init._fill(staging, organisation="A", domain="example.org")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["empty"]


def test_a_failure_while_moving_in_takes_back_what_was_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if target.name == "personactl.toml":
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space"), init._whole(tmp_path) as staging:
        for name in ("personactl.toml", "zebra.txt", "alpha.txt"):
            (staging / name).write_text("x")
        (staging / "manifests").mkdir()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existed", [False, True])
def test_a_new_project_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existed: bool) -> None:
    target = tmp_path / "project"
    if existed:
        target.mkdir()
    synced: list[tuple[int, bool]] = []  # inode, whether the project stood by then
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, (target / "personactl.toml").exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with init._whole(target) as staging:
        init._fill(staging, organisation="A", domain="example.org")
    before = {inode for inode, stood in synced if not stood}
    for path in target.rglob("*"):
        if path.suffix not in (".lock", ".sqlite"):  # SQLite syncs its own file
            assert path.stat().st_ino in before, path
    last = target if existed else tmp_path
    assert synced[-1] == (last.stat().st_ino, True)


def test_a_folder_with_anything_in_it_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConflictError, match=r"not empty \(mine\.txt\)"), init._whole(tmp_path):
        raise AssertionError("entered")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PersonactlError), init._whole(link):
        raise AssertionError("entered")
    assert not (tmp_path / "elsewhere").exists()


def test_a_campaign_without_a_role_has_the_role_of_its_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with init._whole(tmp_path / "project") as staging:
        init._fill(staging, organisation="A", domain="example.org")
    monkeypatch.chdir(tmp_path / "project")
    file = Path("personactl.toml")
    file.write_text(file.read_text().replace('role = "both"', 'role = "deployer"'))
    assert "deployer" in file.read_text()
    made = prepare.from_manifest(config.find(Path()), Path("manifests/first.toml"))
    assert made.plan.campaign.role == "deployer"


def test_an_unknown_policy_is_shown_where_the_manifest_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with init._whole(tmp_path / "project") as staging:
        init._fill(staging, organisation="A", domain="example.org")
    monkeypatch.chdir(tmp_path / "project")
    file = Path("manifests/first.toml")
    lines = re.sub(r"policies = .*", 'policies = ["nope", "baseline"]', file.read_text(), count=1)
    file.write_text(lines)
    line = 1 + lines[: lines.index('"nope"')].count("\n")
    with pytest.raises(ManifestError) as refused:
        prepare.from_manifest(config.find(Path()), file)
    (problem,) = refused.value.problems
    assert (problem.code, problem.line, problem.column) == ("policy.unknown", line, 13)


@pytest.mark.parametrize("name", ["brand", "sp ace ünï", "-dash", "-", "it's", "$HOME `id`", "~", "a\\b"])
def test_the_printed_commands_can_be_pasted_into_a_shell(name: str, tmp_path: Path) -> None:
    init_there = [sys.executable, "-m", "personactl", "init", "--", name]
    made = subprocess.run(init_there, cwd=tmp_path, capture_output=True, text=True, check=True)
    go = next(line for line in made.stdout.splitlines() if line.startswith("  cd "))
    told = subprocess.run(["sh", "-c", f"{go} && pwd"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout == f"{tmp_path / name}\n"
