"""Reading from disk: only plain files below the project, and never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from personactl import manifest
from personactl.errors import UsageProblem

TEXT = '[campaign]\nid = "a"\npersona = "lira@1"\n[[shot]]\nid = "one"\nprompt = "smiling"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "manifests").mkdir(parents=True)
    (folder / "manifests" / "a.toml").write_text("schema = 1\n" + TEXT)
    return folder


def refused(path: Path, project: Path) -> str:
    with pytest.raises(UsageProblem) as caught:
        manifest.load(path, project=project)
    assert caught.value.exit_code == 2
    return caught.value.code


def test_a_plain_manifest_is_read(project: Path) -> None:
    assert manifest.load(project / "manifests" / "a.toml", project=project).campaign.id == "a"


def test_a_path_relative_to_the_working_folder_is_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "manifests")
    assert manifest.load(Path("a.toml"), project=project).path == "a.toml"
    assert manifest.load(Path("../manifests/a.toml"), project=project).campaign.id == "a"


def test_a_project_reached_through_a_link_is_the_operators_choice(project: Path) -> None:
    link = project.parent / "link"
    link.symlink_to(project)
    assert manifest.load(link / "manifests" / "a.toml", project=link).campaign.id == "a"
    assert manifest.load(project / "manifests" / "a.toml", project=link).campaign.id == "a"


def test_a_link_is_refused_at_the_end_and_on_the_way(project: Path) -> None:
    (project / "link.toml").symlink_to(project / "manifests" / "a.toml")
    (project / "folder").symlink_to(project / "manifests")
    assert refused(project / "link.toml", project) == "file.symlink"
    assert refused(project / "folder" / "a.toml", project) == "file.symlink"


def test_a_file_outside_the_project_is_refused(project: Path) -> None:
    outside = project.parent / "b.toml"
    outside.write_text(TEXT)
    assert refused(outside, project) == "file.outside-project"
    assert refused(project / ".." / "b.toml", project) == "file.outside-project"


@pytest.mark.timeout(20)
def test_a_pipe_does_not_block_and_is_refused(project: Path) -> None:
    os.mkfifo(project / "pipe.toml")
    assert refused(project / "pipe.toml", project) == "file.not-regular"


def test_what_is_no_file_is_refused(project: Path) -> None:
    assert refused(project / "manifests", project) == "file.not-regular"
    assert refused(project / "none.toml", project) == "file.missing"
    assert refused(project / "manifests" / "a.toml" / "x", project) == "file.unreadable"
    assert refused(project / "a\0b.toml", project) == "file.unreadable"


def test_a_device_is_refused() -> None:
    with pytest.raises(UsageProblem) as caught:
        manifest.read_plain_file(Path("/dev/zero"), 100, "manifest")
    assert caught.value.code == "file.not-regular"


def test_a_large_file_is_not_read_to_its_end(project: Path) -> None:
    with (project / "large.toml").open("wb") as stream:
        stream.truncate(1 << 40)
    assert refused(project / "large.toml", project) == "file.too-large"


def test_a_model_folder_behind_a_link_is_refused(project: Path) -> None:
    (project / "weights").symlink_to("/")
    path = project / "manifests" / "b.toml"
    path.write_text('schema = 1\nmodel.path = "weights/own"\n' + TEXT)
    assert refused(path, project) == "file.symlink"


def test_no_descriptor_stays_open(project: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        manifest.load(project / "manifests" / "a.toml", project=project)
        refused(project / "none.toml", project)
        refused(project / "manifests" / "none" / "a.toml", project)
    assert len(list(Path("/dev/fd").iterdir())) == before
