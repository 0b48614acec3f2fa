"""Places that cannot be written or are full: reading works, writing says exit 8, nothing half made is left."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from ledger_bench import NOW, ROOM, Bench
from personactl_ledger import Ledger, LedgerStorage, check

UNSHARE = shutil.which("unshare")
needs_a_mount = [
    pytest.mark.debian,
    pytest.mark.skipif(UNSHARE is None, reason="needs the Debian package util-linux"),
]
PROGRAM = """
import sys
from ledger_bench import NOW, Bench, forge
from pathlib import Path
from personactl_ledger import Ledger, LedgerError, check, verify_receipt
from personactl import cli
bench = Bench(Path(sys.argv[1]), *(forge.signer(name) for name in ("root", "operator", "run")), forge.log_signer())
def tried(name, call):
    try:
        call()
        print(name, "done")
    except LedgerError as error:
        print(name, error.code, error.exit_code)
def read():
    with Ledger.open_reader(bench.path) as ledger:
        assert len(list(ledger.entries())) == ledger.size
        bench.origin = ledger.origin
        verify_receipt(ledger.prove(3), bench.trust(), subject_sha256=None)
def write():
    with Ledger.open_writer(bench.path) as ledger:
        bench.origin = ledger.origin
        for number in range(400):
            ledger.append([bench.note(f"{number} " + "x" * 4000)], now=NOW)
            print("appended", number, flush=True)
def checked():
    report = check(bench.path)
    print("check", report.exit_code, *(finding.code for finding in report.findings))
tried("read", read)
tried("write", write)
checked()
print("cli", cli.execute(["ledger", "check", "--ledger", str(bench.path), "-q"]))
other = Bench(bench.path.with_name("new.sqlite"), bench.root, bench.operator, bench.run, bench.log)
tried("found", lambda: other.create().close())
print("names", *sorted(path.name for path in bench.path.parent.iterdir()))
"""


def mounted(script: str, path: Path) -> list[str]:
    """Run PROGRAM in a mount namespace of its own, after a shell script; its lines."""
    folders = [ROOM, ROOM.parent, ROOM / "vectors", Path(__file__).parent]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), "OMP_NUM_THREADS": "1"}
    command = f'set -e; {script}; exec "$@"'
    root = [] if os.geteuid() == 0 else ["--map-root-user", "--user"]
    done = subprocess.run(
        [str(UNSHARE), "--mount", *root, "sh", "-c", command, "sh", sys.executable, "-c", PROGRAM, str(path)],
        capture_output=True, text=True, env=environment, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode and ("unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip(f"no mounts may be made here: {done.stderr.strip()[:100]}")
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith(("error", "not checked", "good", "  "))]


def grown(bench: Bench) -> None:
    with bench.create() as ledger:
        ledger.append([bench.run_open()], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)


@pytest.mark.parametrize("lock", [True, False])
class TestReadOnlyMedia:
    pytestmark = needs_a_mount

    def test_reading_checking_and_proving_work(self, bench: Bench, lock: bool) -> None:
        grown(bench)
        folder = bench.path.parent
        if not lock:
            (folder / "ledger.sqlite.lock").unlink()
        lines = mounted(f"mount --bind -o ro '{folder}' '{folder}'; mount -o remount,bind,ro '{folder}'", bench.path)
        names = "ledger.sqlite ledger.sqlite.lock" if lock else "ledger.sqlite"
        assert lines == [
            "read done", "write ledger.storage 8", "check 0", "cli 0", "found ledger.storage 8", f"names {names}",
        ]  # fmt: skip

    def test_a_journal_that_has_to_be_rolled_back_is_refused_with_the_reason(self, bench: Bench, lock: bool) -> None:
        grown(bench)
        leave_a_journal(bench.path)
        folder = bench.path.parent
        if not lock:
            (folder / "ledger.sqlite.lock").unlink()
        lines = mounted(f"mount --bind -o ro '{folder}' '{folder}'; mount -o remount,bind,ro '{folder}'", bench.path)
        assert lines[:4] == [
            "read ledger.journal-read-only 8", "write ledger.storage 8", "check 4 ledger.journal", "cli 4",
        ]  # fmt: skip
        with Ledger.open_reader(bench.path) as ledger:
            assert ledger.size == 4


def leave_a_journal(path: Path) -> None:
    """A writer that was killed in the middle of a transaction that had begun to spill."""
    script = (
        "import sqlite3, sys, os, signal\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.executescript('PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 1; BEGIN IMMEDIATE')\n"
        "for n in range(300): c.execute('INSERT INTO sealed VALUES (0, ?, zeroblob(32), ?)', (f'f{n}', 'x' * 900))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -signal.SIGKILL
    assert path.with_name(path.name + "-journal").stat().st_size > 0


@pytest.mark.debian
@pytest.mark.skipif(UNSHARE is None, reason="needs the Debian package util-linux")
def test_a_full_disk_keeps_what_was_acknowledged(bench: Bench, tmp_path: Path) -> None:
    grown(bench)
    disk = tmp_path / "disk"
    disk.mkdir()
    small = disk / "ledger.sqlite"
    script = f"mount -t tmpfs -o size=600k none '{disk}'; cp '{bench.path}' '{small}'"
    lines = mounted(script, small)
    acknowledged = [line for line in lines if line.startswith("appended")]
    assert 10 < len(acknowledged) < 400
    # The writer does not touch the file again after an error, so its journal stays, emptied.
    assert [line.replace(" ledger.sqlite-journal", "") for line in lines if line not in acknowledged] == [
        "read done", "write ledger.storage 8", "check 0", "cli 0", "found ledger.storage 8",
        "names ledger.sqlite ledger.sqlite.lock new.sqlite.lock",
    ]  # fmt: skip


def test_a_limit_on_the_size_of_files_keeps_what_was_acknowledged(
    bench: Bench, verifier: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    grown(bench)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    added = 0
    try:
        with Ledger.open_writer(bench.path) as ledger:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bench.path.stat().st_size + 50_000, hard))
            with pytest.raises(LedgerStorage) as refused:
                while True:
                    ledger.append([bench.note(f"{added} " + "x" * 4000)], now=NOW)
                    added += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert refused.value.exit_code == 8
    assert added > 2
    assert check(bench.path).size == 4 + added
    with Ledger.open_writer(bench.path) as ledger:
        ledger.append([bench.note("there is room again")], now=NOW)
        ledger.checkpoint(bench.log, now=NOW)
    assert check(bench.path, trust=bench.trust()).ok
    assert verifier.main(["ledger", str(bench.path)]) == 0
    capsys.readouterr()
