"""What verify must not touch: heavy libraries, the network, the files it judges. And that no byte makes it crash."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import studio
from studio import Studio

from personactl.verify import verify_file, verify_paths

BANNED = ("torch", "diffusers", "transformers", "insightface", "onnxruntime", "rich", "jinja2")

SCRIPT = """
import sys
from pathlib import Path
from personactl.keys import trust
from personactl.verify import verify_paths
accepted = trust.parse(Path(sys.argv[1]).read_bytes(), "trust.json")
for verdict in verify_paths([Path(sys.argv[2])], [accepted], pixels=True, ledger=Path(sys.argv[3])):
    print(Path(verdict.path).name, verdict.verdict, verdict.exit_code)
print("loaded", *sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.fixture
def delivery(ours: Studio, tmp_path: Path) -> list[str]:
    """The arguments of SCRIPT: a trust file, a folder with a good and a remote file, a ledger."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    ours.deliver(folder, "png")
    remote = studio.remote_only("http://198.51.100.7/claim.c2pa")
    (folder / "remote.png").write_bytes(remote)
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    return [str(tmp_path / "trust.json"), str(folder), str(ours.ledger_path)]


def run(command: list[str], delivery: list[str]) -> list[str]:
    done = subprocess.run(
        [*command, sys.executable, "-c", SCRIPT, *delivery], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_verify_loads_no_heavy_library(delivery: list[str]) -> None:
    first, second, loaded = run([], delivery)
    assert first == "remote.png unproven 6"
    assert second == "shot-0.png pass 0"
    assert not set(BANNED) & set(loaded.split())


def test_verify_works_where_there_is_no_network(delivery: list[str]) -> None:
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("this machine does not let unshare make a network namespace")
    assert run(["unshare", "-rn"], delivery)[:2] == ["remote.png unproven 6", "shot-0.png pass 0"]


@pytest.mark.debian
def test_verify_opens_no_internet_socket_even_for_a_claim_that_names_an_address(
    delivery: list[str], tmp_path: Path
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs the Debian package strace")
    log = tmp_path / "strace.txt"
    traced = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(log)]
    if subprocess.run([*traced, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let strace trace")
    run(traced, delivery)
    assert "AF_INET" not in log.read_text()


def test_a_claim_that_is_only_named_by_an_address_is_remote(ours: Studio, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(studio.remote_only("http://198.51.100.7/claim.c2pa"))
    verdict = verify_file(path, [ours.trust])
    assert (verdict.verdict, verdict.exit_code, verdict.axes.credential) == ("unproven", 6, "remote")
    assert "credential.remote" in {item.code for item in verdict.findings}


def test_nothing_is_written_beside_the_files_or_the_ledger(ours: Studio, tmp_path: Path) -> None:
    for kind in ours.works:
        ours.deliver(tmp_path, kind)
    shutil.copyfile(ours.ledger_path, tmp_path / "ledger.sqlite")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    list(verify_paths([tmp_path], [ours.trust], pixels=True, ledger=tmp_path / "ledger.sqlite"))
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "avif", "tiff"])
def test_no_flipped_byte_passes_as_exact_and_none_makes_verify_raise(ours: Studio, tmp_path: Path, kind: str) -> None:
    path = ours.deliver(tmp_path, kind)
    data = ours.works[kind].data
    for place in range(0, len(data), max(1, len(data) // 120)):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        path.write_bytes(changed)
        verdict = verify_file(path, [ours.trust])
        assert (verdict.verdict in ("fail", "error")) and verdict.exit_code == 4, place
