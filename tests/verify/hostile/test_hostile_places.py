"""Links, pipes, folders, receipts and planted files: what lies around a delivered file must not steer its verdict."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import studio
from attacks import Studios, command, judge

from personactl.verify import verify_paths
from personactl.verify.opening import MAX_BYTES

NOT_PLAIN = "verify.not-a-plain-file"


def codes(path: Path, studios: Studios) -> tuple[str, int, set[str]]:
    verdict = judge(path, studios.ours)
    return verdict.verdict, verdict.exit_code, {item.code for item in verdict.findings}


def by_command(path: Path, studios: Studios, folder: Path, **how: object) -> dict[str, tuple[str, set[str]]]:
    """File name → verdict and codes, of one call on a folder."""
    trust = folder / "trust-elsewhere.json"
    trust.write_bytes(studios.ours.trust_bytes)
    done = command([path, "--trust", trust, "--json"], timeout=60, **how)
    assert b"Traceback" not in done.stderr, done.stderr
    files = json.loads(done.stdout)["files"]
    return {
        os.path.basename(file["path"]): (file["verdict"], {item["code"] for item in file["findings"]})  # noqa: PTH119
        for file in files
    }


# --- what is no plain file ----------------------------------------------------------------------------------------


@pytest.fixture
def zoo(studios: Studios, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of everything that is not a plain file, and one good file."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    studios.ours.deliver(folder, called="good.png", receipt=False)
    (folder / "link.png").symlink_to("good.png")
    (folder / "dangling.png").symlink_to("nothing")
    (folder / "self.png").symlink_to("self.png")
    (folder / "up").symlink_to("..", target_is_directory=True)
    (folder / "sub").mkdir()
    (folder / "sub" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "etc.png").symlink_to("/etc/passwd")
    (folder / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    os.mkfifo(folder / "pipe.json")
    with socket.socket(socket.AF_UNIX) as unix:
        monkeypatch.chdir(folder)  # the name of a socket may have 108 bytes
        unix.bind("socket.png")
    return folder


REFUSED = ("dangling.png", "etc.png", "link.png", "loop", "pipe.png", "self.png", "socket.png", "up", "zero.png")


def test_links_loops_pipes_and_sockets_get_a_verdict_each_and_stop_nothing(studios: Studios, zoo: Path) -> None:
    found = {Path(verdict.path).name: verdict for verdict in verify_paths([zoo], [studios.ours.trust])}
    assert sorted(found) == sorted((*REFUSED, "good.png"))
    for name in REFUSED:
        assert (found[name].verdict, found[name].exit_code) == ("error", 4)
        assert [item.code for item in found[name].findings if item.severity == "error"] == [NOT_PLAIN]
    assert found["good.png"].verdict == "pass"


def test_the_command_says_the_same_of_them(studios: Studios, zoo: Path, tmp_path: Path) -> None:
    found = by_command(zoo, studios, tmp_path)
    assert {name for name, (verdict, said) in found.items() if verdict == "error" and NOT_PLAIN in said} == set(REFUSED)
    assert found["good.png"][0] == "pass"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_devices_are_not_read(device: str, studios: Studios) -> None:
    verdict, exit_code, said = codes(Path(device), studios)
    assert (verdict, exit_code) == ("error", 4)
    assert said & {NOT_PLAIN, "verify.unreadable"}


def test_a_sparse_file_over_the_limit_is_not_read(studios: Studios, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.write(studios.ours.works["png"].data)
        file.truncate(600 << 20)
    assert path.stat().st_size > MAX_BYTES
    assert codes(path, studios) == ("error", 4, {"verify.too-large"})


def test_a_file_or_folder_that_may_not_be_read(
    studios: Studios, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs the tests may be allowed everything, hence the refusal of the system by hand."""
    studios.ours.deliver(tmp_path, called="a.png")
    (tmp_path / "shut").mkdir()
    opened, listed = os.open, os.scandir

    def forbid_open(path: object, *how: object, **more: object) -> int:
        if str(path).endswith("a.png"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *how, **more)  # type: ignore[arg-type]

    def forbid_list(path: object) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return listed(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "open", forbid_open)
    monkeypatch.setattr(os, "scandir", forbid_list)
    found = {Path(item.path).name: item for item in verify_paths([tmp_path], [studios.ours.trust])}
    assert {name: item.verdict for name, item in found.items()} == {"a.png": "error", "shut": "error"}
    assert {item.exit_code for item in found.values()} == {4}


def test_a_file_that_changes_while_it_is_read_gets_a_verdict(studios: Studios, tmp_path: Path) -> None:
    """Two files swap under one name, and it grows and shrinks: no outcome but those that a still file has."""
    path = tmp_path / "a.png"
    good, other = studios.ours.works["png"].data, studios.theirs.works["png"].data
    path.write_bytes(good)
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            for data in (other, good + bytes(9_000), good[:9_000], good):
                path.write_bytes(data)

    writer = threading.Thread(target=change)
    writer.start()
    try:
        outcomes = {(item.verdict, item.exit_code) for _ in range(60) for item in [judge(path, studios.ours)]}
    finally:
        stop.set()
        writer.join()
    assert outcomes <= {("pass", 0), ("fail", 4), ("fail", 5), ("error", 4)}
    path.write_bytes(good)
    assert judge(path, studios.ours).verdict == "pass"


# --- receipts -----------------------------------------------------------------------------------------------------


HUGE = b'{"schema": "personactl.receipt/1", "leaf": "' + b"A" * 1_000_000 + b'"}'
RECEIPTS: dict[str, Callable[[bytes], bytes]] = {
    "a megabyte of JSON": lambda receipt: HUGE,
    "a million brackets": lambda receipt: b"[" * 1_000_000,
    "a tower of objects": lambda receipt: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a number": lambda receipt: b"7",
    "a huge number": lambda receipt: b'{"schema": ' + b"9" * 900_000 + b"}",
    "null": lambda receipt: b"null",
    "the leaf is a number": lambda receipt: studio.edited_receipt(receipt, leaf=7),
    "the leaf is a list": lambda receipt: studio.edited_receipt(receipt, leaf=["a"]),
    "the leaf is not base64": lambda receipt: studio.edited_receipt(receipt, leaf="\x1b[2J"),
    "the proof is a number": lambda receipt: studio.edited_receipt(receipt, proof=7),
    "the proof is a megabyte": lambda receipt: studio.edited_receipt(receipt, proof="x\n" * 400_000),
    "the keys are an object": lambda receipt: studio.edited_receipt(receipt, keys={"a": 1}),
    "20,000 keys": lambda receipt: studio.edited_receipt(receipt, keys=[{}] * 20_000),
    "the time stamps are text": lambda receipt: studio.edited_receipt(receipt, timestamps="x"),
    "a name twice": lambda receipt: receipt.replace(b"{", b'{"leaf": "", ', 1),
    "not a number": lambda receipt: receipt.replace(b"{", b'{"x": NaN, ', 1),
    "UTF-16": lambda receipt: receipt.decode().encode("utf-16"),
    "half a surrogate": lambda receipt: studio.edited_receipt(receipt, schema="\ud800"),
    "a picture": lambda receipt: b"\x89PNG\r\n\x1a\n" + bytes(99),
}


@pytest.mark.parametrize("what", RECEIPTS)
def test_a_hostile_receipt_fails_the_file(what: str, studios: Studios, tmp_path: Path) -> None:
    path = studios.ours.deliver(tmp_path)
    path.with_name(path.name + ".receipt").write_bytes(RECEIPTS[what](studios.ours.works["png"].receipt))
    verdict, exit_code, said = codes(path, studios)
    assert (verdict, exit_code) == ("fail", 4), said
    assert "verify.receipt-invalid" in said


def test_a_receipt_that_is_a_pipe_a_link_a_folder_or_a_device(studios: Studios, tmp_path: Path) -> None:
    path = studios.ours.deliver(tmp_path, receipt=False)
    place = path.with_name(path.name + ".receipt")
    for plant in (
        lambda: os.mkfifo(place),
        lambda: place.symlink_to("/dev/zero"),
        lambda: place.symlink_to(place.name),
        lambda: place.mkdir(),
    ):
        plant()
        assert codes(path, studios)[:2] == ("fail", 4)
        assert "verify.receipt-invalid" in codes(path, studios)[2]
        shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()


# --- what is planted ----------------------------------------------------------------------------------------------


def test_nothing_that_lies_in_the_folder_under_test_has_an_effect(studios: Studios, tmp_path: Path) -> None:
    """A stranger's file among everything that could make it trusted or run something, and we stand in that folder."""
    clean, planted = tmp_path / "clean", tmp_path / "planted"
    for folder in (clean, planted):
        folder.mkdir()
        studios.theirs.deliver(folder, called="a.png", receipt=False)
    marker = tmp_path / "ran"
    run = f"open({str(marker)!r}, 'w').close()\n"
    (planted / "trust.json").write_bytes(studios.theirs.trust_bytes)
    (planted / "personactl.toml").write_text('schema = 1\ntrust = "trust.json"\n[keys]\nc2pa = "file:keys"\n')
    shutil.copytree(studios.theirs.folder / "keys", planted / "keys")
    (planted / ".personactl").mkdir()
    (planted / ".personactl" / "trust.json").write_bytes(studios.theirs.trust_bytes)
    (planted / ".config" / "personactl" / "trust").mkdir(parents=True)
    (planted / ".config" / "personactl" / "trust" / "theirs.json").write_bytes(studios.theirs.trust_bytes)
    anchors = "\n".join(studios.theirs.trust.c2pa_anchors)
    settings = {"trust": {"user_anchors": anchors, "trust_anchors": anchors}, "verify": {"verify_trust": False}}
    for name in ("c2pa.json", "c2pa_settings.json", "settings.json", ".c2pa"):
        (planted / name).write_text(json.dumps(settings))
    for name in ("c2pa.toml", "c2pa_settings.toml", "settings.toml"):
        (planted / name).write_text("[verify]\nverify_trust = false\n")
    for name in ("sitecustomize.py", "usercustomize.py", "c2pa.py", "personactl.py", "json.py", "numpy.py", "PIL.py"):
        (planted / name).write_text(run)
    (planted / "pyvenv.cfg").write_text("home = .\n")
    (planted / "personactl.pth").write_text(f"import os; {run}")
    for name in ("libc2pa_c.so", "libs/libc2pa_c.so", "artifacts/libc2pa_c.so"):
        (planted / name).parent.mkdir(exist_ok=True)
        (planted / name).write_bytes(b"\x7fELF not a library")
    told = {}
    for folder in (clean, planted):
        trust = tmp_path / "ours.json"
        trust.write_bytes(studios.ours.trust_bytes)
        done = [command(["a.png", "--json", *more], cwd=folder, timeout=60) for more in ((), ("--trust", trust))]
        assert not [item.stderr for item in done if b"Traceback" in item.stderr]
        told[folder] = [(item.returncode, json.loads(item.stdout)["files"]) for item in done]
    assert told[clean] == told[planted]
    assert [code for code, _ in told[planted]] == [5, 5]
    assert [files[0]["axes"]["trust"] for _, files in told[planted]] == ["not-checked", "untrusted"]
    assert not marker.exists()


def test_check_sums_that_lie_in_a_bundle_are_not_believed(studios: Studios, tmp_path: Path) -> None:
    """Whoever changed a file can write its check sum anew: neither right nor wrong ones have a say."""
    bundle = tmp_path / "bundle"
    for name in ("files", "receipts"):
        (bundle / name).mkdir(parents=True)
    path = studios.ours.deliver(bundle / "files", called="a.png")
    path.with_name("a.png.receipt").rename(bundle / "receipts" / "a.png.receipt")
    before = by_command(bundle, studios, tmp_path)
    assert before["a.png"][0] == "pass"
    (bundle / "SHA256SUMS").write_text(f"{'0' * 64}  files/a.png\n{'1' * 64}  files/none.png\n")
    assert by_command(bundle, studios, tmp_path) == before
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (bundle / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  files/a.png\n")
    assert by_command(bundle, studios, tmp_path)["a.png"][0] == "fail"


def test_the_installed_command_runs_nothing_of_the_working_folder(tmp_path: Path) -> None:
    command_line = Path(sys.executable).parent / "personactl"
    if not command_line.exists():
        pytest.skip("the command is not installed beside this Python")
    marker = tmp_path / "ran"
    for name in ("sitecustomize", "c2pa", "personactl", "click", "json"):
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    (tmp_path / "a.png").write_bytes(b"x")
    # PYTHONPATH is the user's own and names the checkout; nothing of the folder is on it.
    done = subprocess.run([command_line, "verify", "a.png"], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert done.returncode == 4, done.stderr
    assert not marker.exists()
