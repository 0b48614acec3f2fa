"""Ctrl-C and SIGTERM: everything finished is kept, the counts are true, and the command to go on is known."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType

import pytest
from personactl_ledger import check
from workshop import Workshop, text

from personactl.model import Disclosed, Scored, Shot
from personactl.run import Interrupted, RunSummary, Unobserved, sequence
from personactl.run.stopping import Stopping

THREE = text("rain*2: in the rain", "park: in a park")


class Signalling(Unobserved):
    """Raises real signals at the n-th call of one of its methods."""

    def __init__(self, method: str, call: int = 1, *numbers: int) -> None:
        self.method, self.call, self.numbers, self.calls = method, call, numbers or (signal.SIGINT,), 0

    def _at(self, method: str) -> None:
        self.calls += method == self.method
        if method == self.method and self.calls == self.call:
            for number in self.numbers:
                signal.raise_signal(number)

    def on_step(self, shot: Shot, step: int, steps: int) -> None:
        self._at("on_step")

    def on_attempt(self, scored: Scored) -> None:
        self._at("on_attempt")

    def on_done(self, disclosed: Disclosed) -> None:
        self._at("on_done")

    def on_finish(self, summary: RunSummary) -> None:
        self._at("on_finish")


def stop(shop: Workshop, observer: Signalling) -> Interrupted:
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in watched]
    with pytest.raises(Interrupted) as caught:
        shop.run(THREE, observer)
    assert [signal.getsignal(number) for number in watched] == before
    summary = caught.value.summary
    assert summary.planned == summary.done + summary.failed + summary.rejected + summary.skipped
    assert caught.value.resume == "personactl run manifests/test.toml"
    closed = shop.ledger()[-1].entry
    assert (closed.kind, closed.predicate["done"], closed.predicate["skipped"]) == (
        "run-close",
        summary.done,
        summary.skipped,
    )
    assert check(shop.config.ledger_path).ok
    return caught.value


def test_ctrl_c_while_generating_drops_the_picture(shop: Workshop) -> None:
    stopped = stop(shop, Signalling("on_step", 3))
    summary = stopped.summary
    assert (summary.done, summary.left, stopped.exit_code) == (1, 2, 130)
    assert len(shop.visible(summary.run_id)) == 1
    again = shop.run(THREE)
    assert (again.done, again.skipped, again.exit_code) == (2, 1, 0)


def test_ctrl_c_while_finishing_finishes_the_picture(shop: Workshop) -> None:
    stopped = stop(shop, Signalling("on_done", 1))
    assert (stopped.summary.done, stopped.summary.left) == (1, 2)
    assert len(shop.visible(stopped.summary.run_id)) == 1
    assert (shop.out(stopped.summary.run_id) / "rain-0.png.receipt").is_file()


@pytest.mark.parametrize("step", ["recover", "confirmed_spent"])
def test_ctrl_c_before_the_first_picture_says_how_to_go_on(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(sequence, step, lambda *_, **__: signal.raise_signal(signal.SIGINT))
    with pytest.raises(Interrupted) as caught:
        shop.run(THREE)
    assert (caught.value.resume, caught.value.exit_code) == ("personactl run manifests/test.toml", 130)
    assert (caught.value.summary.left, shop.ledger(kind="run-open")) == (3, [])


def test_ctrl_c_after_scoring_drops_the_picture(shop: Workshop) -> None:
    assert stop(shop, Signalling("on_attempt", 1)).summary.done == 0


def test_sigterm_exits_143(shop: Workshop) -> None:
    stopped = stop(shop, Signalling("on_step", 3, signal.SIGTERM))
    assert (stopped.exit_code, stopped.summary.done) == (143, 1)


def test_a_lost_terminal_is_as_sigterm(shop: Workshop) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may be run under nohup
    try:
        stopped = stop(shop, Signalling("on_step", 3, signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (stopped.exit_code, stopped.summary.done) == (143, 1)


def test_a_lost_terminal_that_is_ignored_stays_ignored(shop: Workshop) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert shop.run(THREE, Signalling("on_step", 3, signal.SIGHUP)).done == 3
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_handler_installed_before_decides_what_is_raised(shop: Workshop) -> None:
    class Terminated(KeyboardInterrupt):
        pass

    def handler(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, handler)
    try:
        assert isinstance(stop(shop, Signalling("on_step", 3, signal.SIGTERM)).__cause__, Terminated)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_second_ctrl_c_stops_at_once_and_recovery_puts_it_right(shop: Workshop) -> None:
    run_id = shop.plan(THREE).run_id
    with pytest.raises(KeyboardInterrupt) as caught:
        shop.run(THREE, Signalling("on_finish", 1, signal.SIGINT, signal.SIGINT))
    assert not isinstance(caught.value, Interrupted)
    assert shop.run(THREE).skipped == 3
    assert len(shop.visible(run_id)) == 3


def test_ctrl_c_at_the_very_end_changes_nothing(shop: Workshop) -> None:
    assert shop.run(THREE, Signalling("on_finish", 1)).done == 3


def test_a_run_outside_the_main_thread_leaves_signals_alone(shop: Workshop) -> None:
    found: list[RunSummary] = []
    worker = threading.Thread(target=lambda: found.append(shop.run(text("rain: in the rain"))))
    worker.start()
    worker.join()
    assert found[0].done == 1


def test_a_shield_holds_back_one_signal_and_only_one() -> None:
    with Stopping() as stopping:
        with stopping.shield():
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            stopping.deliver()
        with pytest.raises(KeyboardInterrupt), stopping.shield():
            signal.raise_signal(signal.SIGINT)


def test_a_real_process_goes_on_where_sigterm_stopped_it(shop: Workshop) -> None:
    here = Path(__file__).parent
    program = (
        "import signal, sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_run_stopping import Interrupted, Signalling, THREE, Workshop\n"
        "try:\n    Workshop(Path(sys.argv[1])).run(THREE, Signalling('on_step', 4, signal.SIGTERM))\n"
        "except Interrupted as stopped:\n    sys.exit(stopped.exit_code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(shop.folder), str(here)], check=False)
    assert done.returncode == 143
    assert shop.run(THREE).done == 2
