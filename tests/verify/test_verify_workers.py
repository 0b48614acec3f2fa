"""Worker processes: the same verdicts in the same order, and a file that breaks its worker costs no other file."""

from __future__ import annotations

import json
import os
import pickle
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import broken_worker
import pytest
from personactl_ledger import LedgerStorage
from PIL import Image
from studio import Studio

from personactl.errors import EnvironmentProblem
from personactl.verdict import Verdict
from personactl.verify import Limits, Target, Workers, verify_paths, worker_process, workers
from personactl.verify.ledger_source import LedgerSource
from personactl.verify.limits import MEBIBYTE

NAMES = ("a\nb.png", "\x1b[31m.png", os.fsdecode(b"\xff\xfe.png"), "ä.png", "-.png")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_START", broken_worker.START)


def judged(studio: Studio, paths: list[Path], *, jobs: int = 1, limits: Limits | None = None) -> list[Verdict]:
    with Workers(jobs, limits) as processes:
        return list(verify_paths(paths, [studio.trust], workers=processes))


def codes(verdict: Verdict) -> set[str]:
    return {item.code for item in verdict.findings}


def test_workers_give_the_verdicts_of_one_process_in_the_same_order(ours: Studio, tmp_path: Path) -> None:
    for kind in ("png", "jpeg", "webp"):
        ours.deliver(tmp_path, kind)
    for name in NAMES:
        ours.deliver(tmp_path, called=name)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    paths = [tmp_path, tmp_path / "none.png", Path("/dev/zero")]
    options = {"ledger": ours.ledger_path, "pixels": True}
    alone = list(verify_paths(paths, [ours.trust], **options))
    with Workers(2) as processes:
        assert list(verify_paths(paths, [ours.trust], **options, workers=processes)) == alone
    assert len(alone) == 13
    assert sum(item.verdict == "pass" for item in alone) == 8


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("act", "code", "told"),
    [
        ("crash", "verify.worker-crashed", "SIGSEGV"),
        ("die", "verify.worker-crashed", "SIGKILL"),
        ("leave", "verify.worker-crashed", "status 3"),
        ("babble", "verify.worker-crashed", "no JSON"),
        ("flood", "verify.worker-crashed", "4294967295 bytes"),
        ("lie", "verify.worker-crashed", "another file"),
        ("fail", "verify.worker-crashed", "KeyError"),
        ("exhaust", "verify.out-of-memory", "memory"),
        ("exhaust_in_rust", "verify.out-of-memory", "memory"),
    ],
)
def test_a_file_that_breaks_its_worker_is_an_error_and_the_next_files_are_judged(
    ours: Studio, tmp_path: Path, act: str, code: str, told: str
) -> None:
    first, last = ours.deliver(tmp_path, called="a.png"), ours.deliver(tmp_path, called="z.png")
    bad = ours.deliver(tmp_path, called=f"{act}.png")
    verdicts = judged(ours, [first, bad, last])
    assert [(item.verdict, item.exit_code) for item in verdicts] == [("pass", 0), ("error", 4), ("pass", 0)]
    assert verdicts[1].path == str(bad)
    (found,) = verdicts[1].findings
    assert found.code == code
    assert told in found.message


@pytest.mark.usefixtures("broken")
def test_a_file_that_takes_too_long_is_given_up_and_its_worker_ends(ours: Studio, tmp_path: Path) -> None:
    paths = [ours.deliver(tmp_path, called=name) for name in ("hang.png", "a.png", "b.png")]
    with Workers(1, Limits(seconds=1.0)) as processes:
        (first,) = processes._running
        verdicts = list(verify_paths(paths, [ours.trust], workers=processes))
        assert first._process.poll() == -signal.SIGKILL
    assert [item.verdict for item in verdicts] == ["error", "pass", "pass"]
    assert codes(verdicts[0]) == {"verify.timed-out"}


def test_a_picture_that_takes_more_memory_than_a_file_may_have_is_an_error(ours: Studio, tmp_path: Path) -> None:
    """By real means: a flat PNG of 16 megapixels is 50 kB and takes 112 MB to decode; a small file takes 230."""
    large = tmp_path / "large.png"
    Image.new("RGB", (4000, 4000)).save(large)
    good = ours.deliver(tmp_path, called="z.png")
    enough = judged(ours, [large, good])
    assert [item.verdict for item in enough] == ["unproven", "pass"]
    with Workers(1, Limits(memory=280 * MEBIBYTE)) as processes:
        (first,) = processes._running
        little = list(verify_paths([large, good, large, good, good], [ours.trust], workers=processes))
        assert first._process.poll() is not None  # what is left of its memory is not used for the next file
    assert [item.verdict for item in little] == ["error", "pass", "error", "pass", "pass"]
    assert codes(little[0]) == codes(little[2]) == {"verify.out-of-memory"}


@pytest.mark.usefixtures("broken")
def test_a_worker_can_write_no_file(ours: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "place").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "place"))
    (verdict,) = judged(ours, [ours.deliver(tmp_path, called="write.png")])
    (found,) = verdict.findings
    assert "File too large" in found.message
    assert [path.stat().st_size for path in (tmp_path / "place").iterdir()] == [0]


def test_where_no_worker_can_start_nothing_is_judged(
    ours: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ours.deliver(tmp_path)
    monkeypatch.setattr(worker_process, "_START", "raise SystemExit(7)  # {path} {limits}")
    with pytest.raises(EnvironmentProblem, match="status 7") as caught:
        judged(ours, [path])
    assert caught.value.code == "verify.no-worker"
    assert caught.value.exit_code == 8


def test_a_library_that_is_unfit_is_told_by_its_own_code(
    ours: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = "import sys; sys.modules['c2pa'] = None; sys.path_importer_cache.clear(); "
    monkeypatch.setattr(worker_process, "_START", hidden + worker_process._START)
    with pytest.raises(EnvironmentProblem) as caught:
        judged(ours, [ours.deliver(tmp_path)])
    assert caught.value.code == "c2pa.library-unfit"


def test_a_ledger_that_is_replaced_while_it_is_used_is_refused(ours: Studio, tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    shutil.copyfile(ours.ledger_path, path)
    with LedgerSource(path, [ours.trust]) as source:
        sent = pickle.dumps(source)
    pickle.loads(sent).close()  # noqa: S301
    shutil.copyfile(ours.ledger_path, tmp_path / "other")
    (tmp_path / "other").replace(path)
    with pytest.raises(LedgerStorage, match="was replaced"):
        pickle.loads(sent)  # noqa: S301


def test_no_python_to_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EnvironmentProblem, match="/nowhere/python") as caught:
        Workers(1)
    assert caught.value.code == "verify.no-worker"


def test_only_so_many_files_are_looked_up_ahead_of_the_first_that_is_not_judged(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path)
    taken = 0

    def endless() -> Iterator[Target]:
        nonlocal taken
        while True:
            taken += 1
            yield Target(path=path)

    options = {"trust": (ours.trust,), "demands": broken_worker.inspection.Demands(), "ledger": None, "pixels": False}
    with Workers(1) as processes:
        verdicts = processes.judge(options, endless())
        for given in range(1, 20):
            next(verdicts)
            assert taken <= given + workers.AHEAD_EACH


def test_one_file_takes_one_worker(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path)
    with Workers(8) as processes:
        list(verify_paths([path], [ours.trust], workers=processes))
        assert len(processes._running) == 1


# --- how it ends -------------------------------------------------------------------------------------------------

COMMAND = """
import sys
sys.path[:0] = [{tests!r}]
import broken_worker
from personactl.verify import worker_process
worker_process._START = broken_worker.START
begin = worker_process._begin
def telling(*given):
    process = begin(*given)
    print(process.pid, file=sys.stderr, flush=True)
    return process
worker_process._begin = telling
from personactl.cli import main
sys.argv[1:] = {arguments!r}
main()
"""


def command(*arguments: str) -> subprocess.Popen[str]:
    code = COMMAND.format(tests=str(Path(__file__).parent), arguments=["verify", *arguments])
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def gone(process: int) -> bool:
    """Whether the process ends within a minute, whoever its parent is by then."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 60)[0])
    finally:
        os.close(handle)


@pytest.fixture
def hanging(ours: Studio, tmp_path: Path) -> list[str]:
    """Arguments of a command whose first file is judged, and whose second never is."""
    (tmp_path / "trust.json").write_bytes(ours.trust_bytes)
    paths = [ours.deliver(tmp_path, called=name) for name in ("a.png", "hang.png")]
    return [*map(str, paths), "--trust", str(tmp_path / "trust.json"), "--jobs", "1"]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to wait for a process of somebody else")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_command_that_is_stopped_leaves_no_process(hanging: list[str], number: int, status: int) -> None:
    with command(*hanging) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        worker = int(process.stderr.readline())
        assert "a.png  PASS" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == status
        assert gone(worker)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to wait for a process of somebody else")
def test_a_reader_that_leaves_ends_the_command_with_75_and_its_worker(ours: Studio, tmp_path: Path) -> None:
    for number in range(40):
        ours.deliver(tmp_path, called=f"{number}.png")
    with command(str(tmp_path), "-v", "--jobs", "1") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        worker = int(process.stderr.readline())
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 75
        assert gone(worker)


@pytest.mark.usefixtures("broken")
def test_the_command_tells_of_a_broken_file_in_its_document(hanging: list[str]) -> None:
    with command(*hanging, "--timeout", "1", "--json") as process:
        out, _ = process.communicate(timeout=60)
    files = json.loads(out)["files"]
    assert [item["verdict"] for item in files] == ["pass", "error"]
    assert [item["code"] for item in files[1]["findings"]] == ["verify.timed-out"]
    assert process.returncode == 4
