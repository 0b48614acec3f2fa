"""Every exception becomes one of the documented codes, and only what nobody foresaw becomes 1."""

from __future__ import annotations

import errno
import inspect
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from personactl_ledger import errors as ledger_errors

from personactl import errors
from personactl.cli import exits
from personactl.render.terminal import Terminal

KINDS = {
    errors.UsageProblem: 2, errors.ConfigError: 2, errors.PersonaError: 2, errors.PolicyError: 2, errors.GateError: 3,
    errors.IntegrityError: 4, errors.TrustError: 5, errors.CredentialError: 6, errors.DisclosureError: 7,
    errors.EnvironmentProblem: 8, errors.WeightsError: 8, errors.LicenceError: 8, errors.StorageError: 8,
    errors.KeyProblem: 9, errors.ConflictError: 10, errors.PartialError: 75,
    ledger_errors.LedgerMissing: 2, ledger_errors.LedgerCorrupt: 4, ledger_errors.ReceiptError: 4,
    ledger_errors.EntryRefused: 9, ledger_errors.LedgerConflict: 10, ledger_errors.LedgerStorage: 8,
    ledger_errors.LedgerLocked: 75, ledger_errors.ProfileError: 2, ledger_errors.TimestampRefused: 9,
    ledger_errors.WitnessRefused: 4, ledger_errors.WitnessProblem: 9,
}  # fmt: skip


def reported(error: Exception) -> tuple[int, dict[str, object]]:
    """(exit code, the error document) of an exception."""
    out = io.StringIO()
    terminal = Terminal(out, io.StringIO(), environ={})
    terminal.json = True
    code = exits.report(error, terminal)
    document = json.loads(out.getvalue())
    assert document["exit"] == code
    return code, document


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_has_its_documented_code_with_place_and_hint(kind: type[Exception]) -> None:
    code, document = reported(kind("what happened", where="here", hint="do this"))  # type: ignore[call-arg]
    assert code == KINDS[kind]
    assert (document["message"], document["where"], document["hint"]) == ("what happened", "here", "do this")


def test_the_table_of_kinds_is_complete() -> None:
    known = {errors.ManifestError, errors.NotAvailable, errors.ExtraMissing, errors.PersonactlError, *KINDS}
    tree = [*vars(errors).values(), *vars(ledger_errors).values()]
    base = (errors.PersonactlError, ledger_errors.LedgerError)
    assert {item for item in tree if inspect.isclass(item) and issubclass(item, base)} - known <= {
        ledger_errors.LedgerError, ledger_errors.FormatError,
    }  # fmt: skip


def test_a_missing_extra_exits_8_with_the_install_line() -> None:
    code, document = reported(errors.ExtraMissing("generate", needed_for="run", missing="torch"))
    assert (code, document["hint"]) == (8, "pip install 'personactl[generate]'")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE])
def test_a_machine_that_refuses_is_the_environment(number: int) -> None:
    code, document = reported(OSError(number, os.strerror(number), "somewhere"))
    assert (code, document["code"], document["where"]) == (8, "cli.machine-refused", "somewhere")


@pytest.mark.parametrize("error", [KeyError("x"), OSError("odd"), FileNotFoundError(2, "gone"), RecursionError()])
def test_what_nobody_foresaw_is_a_bug(error: Exception) -> None:
    assert reported(error)[0] == 1


# --- the process ----------------------------------------------------------------------------------------------------

WAITING = """
import sys, time
from personactl import cli
from personactl.cli import root
def wait(*_):
    print("ready", flush=True)
    for _ in range(600):
        time.sleep(0.1)  # a signal that comes just before a long sleep is only noticed after it
root.root.invoke = wait
sys.argv = ["personactl", "doctor", *sys.argv[1:]]
cli.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_ends_with_its_documented_code_and_no_traceback(number: int, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # the tests may be run under nohup
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in said


def test_under_nohup_a_lost_terminal_stops_nothing() -> None:
    held = WAITING.replace("for _ in range(600):", "print(sys.stdin.readline(), flush=True)\n    for _ in ():")
    with subprocess.Popen(
        [sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        answer, _ = process.communicate("went on\n", timeout=30)
    assert (process.returncode, answer) == (0, "went on\n\n")


def test_a_lost_terminal_leaves_no_part_of_an_export(finished: Path, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
        "from personactl import cli\n"
        "from personactl_ledger import export_place\n"
        "def hang_up(draft):\n    print(len(list(draft.parent.glob('.*partial'))), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "export_place._sync = hang_up\n"
        "cli.main()\n"
    )
    command = ["ledger", "export", "--ledger", str(finished / "ledger.sqlite"), "--jsonl", str(tmp_path / "x")]
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (143, "2\n"), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_deleted_working_folder_is_the_environment(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; gone = pathlib.Path(sys.argv.pop(1)); os.chdir(gone); gone.rmdir()\n"
        "from personactl import cli; cli.main()"
    )
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "gone"), "status"], capture_output=True, check=False, text=True
    )
    assert (done.returncode, "error[cli.no-folder]" in done.stderr) == (8, True), done.stderr


def test_a_reader_that_leaves_is_reported_by_the_code_alone() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "personactl", "explain", "cli.usage"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (75, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_below_stdout_is_the_environment() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "personactl", "explain"], stdout=full, stderr=subprocess.PIPE, check=False, text=True
        )
    assert done.returncode == 8
    assert "No space left" in done.stderr
    assert done.stderr.count("error[") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("streams", [">/dev/full", ">&-", ">&- 2>&-", ">/dev/full 2>/dev/full", ">&- <&-"])
@pytest.mark.parametrize("command", ["verify none.png", "verify none.png --json", "status --json"])
def test_an_answer_that_nobody_can_hear_is_the_environment(tmp_path: Path, command: str, streams: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m personactl {command} {streams}', sys.executable],
        cwd=tmp_path, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 8, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if "2>" not in streams:
        assert done.stderr.count("error[") == 1


def test_both_streams_in_one_log_keep_their_order() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "personactl", "verify", "none.png", "--report", "json=/dev/full"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
    )  # fmt: skip
    assert done.stdout.index("1 file:") < done.stdout.index("error[storage.unwritable]")


def test_a_terminal_without_utf8_gets_escapes_instead_of_a_crash() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "personactl", "vrify"], capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert done.returncode == 2
    assert b"\\u2192 personactl explain cli.usage" in done.stderr


def test_a_stopped_command_still_gives_one_document_to_a_program() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        document, _ = process.communicate(timeout=30)
    assert json.loads(document)["exit"] == process.returncode == 143
