"""What `verify` refuses before it judges anything: exit 2, and nothing is written or overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from studio import Studio

from personactl.model import Finding
from personactl.render.report_checks import _word


@pytest.fixture
def delivery(ours: Studio, tmp_path: Path) -> Path:
    """a.png with its receipt, trust.json and a key for reports, in a folder."""
    ours.deliver(tmp_path, called="a.png")
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    key = Ed25519PrivateKey.generate()
    write_key(tmp_path / "report.pem", key)
    return tmp_path


def write_key(path: Path, key: Ed25519PrivateKey) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form))
    path.chmod(0o600)


def verify(folder: Path, *arguments: str, closed: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "personactl", "verify", "--trust", "trust.json", *arguments]
    if closed:
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


SIGNED = ("--report", "signed=r.json", "--report-key", "report.pem")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.png", ""], "A path is empty"),
        (["a.png", "--report", "json=r.json", "--report", "md=r.json"], "name the same file"),
        (["a.png", *SIGNED, "--report", "json=./r.json"], "name the same file"),
        (["a.png", "--report", "json=r.json", "--events", "r.json"], "name the same file"),
        (["a.png", "--report", "json=a.png"], "would overwrite"),
        (["a.png", "--report", "json=trust.json"], "would overwrite what is to be read"),
        ([".", "--report", "json=a.png"], "would overwrite a picture"),
        (["a.png", *SIGNED, "--report", "json=report.pem"], "would overwrite what is to be read"),
        (["a.png", *SIGNED, "--events", "report.pem"], "would overwrite what is to be read"),
        (["a.png", "--report", "md=a.png.receipt"], "would stand where a receipt belongs"),
        (["a.png", "--events", "a.png.receipt"], "would stand where a receipt belongs"),
        (["a.png", "--report", "json=new.receipt"], "would stand where a receipt belongs"),
        (["a.png", "--timeout", "nan"], "not a number"),
        (["-", "--receipt", "nothing.receipt"], "there is no receipt nothing.receipt"),
        (["a.png", "--ledger", "trust.json"], "not an SQLite file"),
        (["--check-report", "r.json", "-"], "standard input has none"),
    ],
)
def test_nothing_is_judged_and_nothing_is_written(delivery: Path, arguments: list[str], said: str) -> None:
    before = {path: path.read_bytes() for path in delivery.iterdir()}
    done = verify(delivery, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert {path: path.read_bytes() for path in delivery.iterdir()} == before


def test_a_report_may_replace_an_earlier_one_and_go_to_a_device_twice(delivery: Path) -> None:
    for _ in range(2):
        assert verify(delivery, "a.png", "--report", "json=r.json").returncode == 0
    devices = verify(delivery, "a.png", "--report", "json=/dev/null", "--report", "md=/dev/null")
    assert devices.returncode == 0


def test_a_closed_standard_input_is_said(delivery: Path) -> None:
    done = verify(delivery, "-", closed=True)
    assert done.returncode == 2
    assert "standard input (`-`) is closed" in done.stderr


def test_a_key_of_the_ledger_signs_no_reports(ours: Studio, delivery: Path) -> None:
    (delivery / "root.pem").write_bytes((ours.folder / "keys" / "root.pem").read_bytes())
    (delivery / "root.pem").chmod(0o600)
    done = verify(delivery, "a.png", "--report", "signed=r.json", "--report-key", "root.pem")
    assert done.returncode == 2
    assert "names this key for the ledger" in done.stderr
    assert not (delivery / "r.json").exists()


def test_a_checked_report_repeats_that_keys_were_for_development(delivery: Path) -> None:
    assert verify(delivery, "a.png", *SIGNED).returncode == 0
    public = delivery / "public.pem"
    key = serialization.load_pem_private_key((delivery / "report.pem").read_bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(key.public_key().public_bytes(*form))
    command = [sys.executable, "-m", "personactl", "verify", "--check-report", "r.json", "a.png"]
    done = subprocess.run(
        [*command, "--report-key", "public.pem"], cwd=delivery, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("PASS (development keys: not for release)") == 2
    document = json.loads((delivery / "r.json").read_text())
    assert document["payload"]


def test_only_a_pass_is_qualified() -> None:
    code = Finding(code="verify.development-keys", severity="info", message="")
    item = {"verdict": "fail", "findings": [{"code": code.code}]}
    assert _word(item).text == "FAIL"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("missing/r.json", "the folder does not exist"),
        (".", "this is a folder, not a file"),
        ("link.json", "this is a symbolic link"),
    ],
)
def test_nothing_is_judged_for_a_report_that_cannot_be_written(delivery: Path, place: str, said: str) -> None:
    (delivery / "link.json").symlink_to("elsewhere.json")
    done = verify(delivery, "a.png", "--report", f"json={place}")
    assert (done.returncode, done.stdout) == (8, "")
    assert said in done.stderr


def test_a_pipe_that_nobody_reads_is_not_waited_for(delivery: Path) -> None:
    os.mkfifo(delivery / "pipe")
    done = verify(delivery, "a.png", "--report", "json=pipe")
    assert done.returncode == 8
    assert "nobody reads this pipe" in done.stderr
    assert "a.png" in done.stdout


def test_an_empty_folder_beside_a_report_is_called_empty(delivery: Path) -> None:
    assert verify(delivery, "a.png", *SIGNED).returncode == 0
    key = serialization.load_pem_private_key((delivery / "report.pem").read_bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (delivery / "public.pem").write_bytes(key.public_key().public_bytes(*form))
    (delivery / "empty").mkdir()
    done = verify(delivery, "--check-report", "r.json", "empty", "--report-key", "public.pem")
    assert done.returncode == 4
    assert "the folder holds no file that could be compared" in done.stdout
