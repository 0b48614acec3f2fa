"""What the command makes of its options: which policies are asked, and that the rules stand in its output."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import studio
from studio import Studio


@pytest.fixture
def unmarked(ours: Studio, tmp_path: Path) -> list[str]:
    """The arguments that judge a signed and disclosed picture without a watermark."""
    (tmp_path / "a.png").write_bytes(studio.sign(ours, studio.claim(ours)))
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    return [str(tmp_path / "a.png"), "--trust", str(tmp_path / "trust.json")]


def verify(arguments: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "personactl", "verify", *arguments, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_without_a_policy_no_mark_is_required(unmarked: list[str]) -> None:
    done = verify(unmarked, "--json")
    (file,) = json.loads(done.stdout)["files"]
    assert (done.returncode, file["verdict"]) == (0, "pass")
    assert file["layers"] == {"required": 0, "found": ["signed-metadata"]}


@pytest.mark.parametrize("option", [["--policy", "eu-ai-act-art50"], ["--pixels"], ["--require-layers", "2"]])
def test_a_policy_pixels_and_two_layers_require_the_watermark(unmarked: list[str], option: list[str]) -> None:
    done = verify(unmarked, *option, "--json")
    (file,) = json.loads(done.stdout)["files"]
    assert (done.returncode, file["verdict"], file["axes"]["watermark"]) == (7, "fail", "absent")
    assert file["layers"] == {"required": 2, "found": ["signed-metadata"]}


def test_one_layer_is_there(unmarked: list[str]) -> None:
    done = verify(unmarked, "--require-layers", "1", "--json")
    (file,) = json.loads(done.stdout)["files"]
    assert (done.returncode, file["layers"]) == (0, {"required": 1, "found": ["signed-metadata"]})


def test_the_layers_that_are_asked_for_are_there(ours: Studio, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    files = [str(ours.deliver(tmp_path)), "--trust", str(tmp_path / "trust.json")]
    done = verify(files, "--require-layers", "2", "--json")
    (file,) = json.loads(done.stdout)["files"]
    assert (done.returncode, file["layers"]["found"]) == (0, ["signed-metadata", "watermark"])


@pytest.mark.parametrize("number", ["0", "3", "two"])
def test_a_number_of_layers_that_does_not_exist_is_refused(unmarked: list[str], number: str) -> None:
    assert verify(unmarked, "--require-layers", number).returncode == 2


def test_the_rules_that_are_not_met_are_named_for_people(unmarked: list[str]) -> None:
    done = verify(unmarked, "--policy", "eu-ai-act-art50")
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 7
    assert "error[policy.watermark]" in told
    assert "(baseline, base-2)" in told
    assert "warning[policy.watermark]" in told
    assert "(eu-ai-act-art50, code-1.1.2)" in told
    assert "warning[policy.visible-label]" in told
    assert "ask the sender for a copy with a visible label" in told
    assert "personactl.toml" not in told


def test_a_public_list_is_an_option_of_the_command(ours: Studio, theirs: Studio, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(studio.sign(theirs, studio.claim(theirs)))
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    (tmp_path / "LIST.pem").write_text("".join(theirs.trust.c2pa_anchors))
    arguments = [str(tmp_path / "a.png"), "--trust", str(tmp_path / "trust.json")]
    done = verify(arguments, "--trust-list", str(tmp_path / "LIST.pem"))
    assert done.returncode == 0
    assert "signer on a public list" in " ".join(done.stdout.split())
    assert "warning[verify.listed]" in done.stdout + done.stderr
