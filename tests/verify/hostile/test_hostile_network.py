"""No file makes `verify` look up a name or open a connection: shown without a network, and by its system calls."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import claims
import pytest
import studio
from attacks import Studios, judge
from claims import Raw

from personactl.disclose import xmp

ADDRESS = "http://claims.example.com/x.c2pa"
"""A name, so that looking it up would show too."""


@pytest.fixture
def delivery(studios: Studios, tmp_path: Path) -> list[str]:
    """The command that judges files which name addresses in every place that has some, and a good one."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    ours = studios.ours
    said = {xmp.DIGITAL_SOURCE_TYPE: claims.SYNTHETIC, "Iptc4xmpExt:DigImageGUID": "d1" * 16}
    pointing = xmp.build({**said, "dcterms:provenance": ADDRESS})
    entity = f"<!DOCTYPE x SYSTEM '{ADDRESS}' [<!ENTITY e SYSTEM '{ADDRESS}'>]><x>&e;</x>".encode()
    usual = claims.usual(ours)
    elsewhere = claims.assertion(
        "c2pa.ingredient.v3",
        {
            "relationship": "inputTo", "dc:title": "p", "activeManifest": {"url": ADDRESS, "hash": bytes(32)},
            "thumbnail": {"url": ADDRESS, "hash": bytes(32)},
        },
    )  # fmt: skip
    cloud = claims.assertion("c2pa.cloud-data", {"label": "c2pa.x", "location": {"url": ADDRESS, "hash": bytes(32)}})
    files = {
        "1-only-an-address": claims.picture(packet=pointing),
        "2-an-address-beside-the-claim": claims.signed(ours, usual, plain=claims.picture(packet=pointing)),
        "3-an-entity": claims.signed(ours, usual, plain=claims.picture(packet=entity)),
        "4-an-ingredient-elsewhere": claims.signed(ours, [*usual, elsewhere]),
        "5-an-assertion-elsewhere": claims.signed(ours, [*usual, cloud]),
        "6-a-claim-elsewhere": claims.signed(ours, usual, signature=ADDRESS),
        "7-assertions-elsewhere": claims.signed(
            ours, usual, created_assertions=[{"url": ADDRESS, "hash": Raw(b"\x41x")}]
        ),
        "8-good": ours.works["png"].data,
        "9-a-stranger": studios.theirs.works["png"].data,
    }
    for name, data in files.items():
        (folder / f"{name}.png").write_bytes(data)
    (folder / "8-good.png.receipt").write_bytes(ours.works["png"].receipt)
    trust = tmp_path / "trust.json"
    trust.write_bytes(ours.trust_bytes)
    arguments = [str(folder), "--trust", str(trust), "--ledger", str(ours.ledger_path), "--pixels", "--json"]
    return [sys.executable, "-P", "-m", "personactl", "verify", *arguments]


def verdicts(words: list[str]) -> dict[str, str]:
    done = subprocess.run(words, capture_output=True, check=False, timeout=120)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return {Path(item["path"]).stem: item["verdict"] for item in json.loads(done.stdout)["files"]}


def works(words: list[str]) -> bool:
    return subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.debian
def test_without_a_network_every_verdict_is_the_same(delivery: list[str]) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("needs the Debian package util-linux")
    alone = ["unshare", "--map-root-user", "--net"]
    if not works(alone):
        pytest.skip("this machine does not let unshare (Debian package util-linux) make a network namespace")
    found = verdicts(delivery)
    assert verdicts([*alone, *delivery]) == found
    assert (found["1-only-an-address"], found["8-good"]) == ("unproven", "pass")
    assert not {word for name, word in found.items() if name[0] in "4567"} & {"pass"}


@pytest.mark.debian
def test_no_system_call_opens_an_internet_socket_or_looks_up_a_name(delivery: list[str], tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs the Debian package strace")
    log = tmp_path / "calls.txt"
    traced = ["strace", "-f", "-qq", "-e", "trace=%network,openat", "-o", str(log)]
    if not works(traced):
        pytest.skip("this machine does not let strace (Debian package) trace")
    verdicts([*traced, *delivery])
    calls = log.read_text()
    assert "8-good.png" in calls, "the log is one of this very run"
    assert re.findall(r"AF_INET\w*|sin_addr|sendto\(.*", calls) == []
    assert re.findall(r"resolv\.conf|nsswitch\.conf|/etc/hosts|libnss_\w+", calls) == []


def test_an_address_that_only_the_metadata_names_is_told(studios: Studios, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(studio.remote_only(ADDRESS))
    verdict = judge(path, studios.ours)
    assert (verdict.verdict, verdict.exit_code, verdict.axes.credential) == ("unproven", 6, "remote")
    assert "credential.remote" in {item.code for item in verdict.findings}
