"""How much one file may cost, and how many processes a machine is good for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from personactl.verify import limits
from personactl.verify.limits import MEBIBYTE, Limits

BOUND = """
import json, resource, sys
from personactl.verify.limits import Limits
Limits(memory=1 << 30, descriptors=20).apply()
names = ("RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_AS", "RLIMIT_DATA")
print(json.dumps([resource.getrlimit(getattr(resource, name)) for name in names]))
"""


def test_the_limits_bind_for_good() -> None:
    """Soft and hard alike, so that nothing in the process can lift them."""
    done = subprocess.run([sys.executable, "-c", BOUND], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[0, 0], [0, 0], [20, 20], [1 << 30, 1 << 30], [1 << 30, 1 << 30]]


def test_a_larger_file_has_more_time() -> None:
    bound = Limits(seconds=30, seconds_per_mebibyte=0.5)
    assert [bound.seconds_for(size * MEBIBYTE) for size in (0, 10, 512)] == [30, 35, 286]


@pytest.mark.parametrize(
    ("quota", "count"),
    [("max 100000", 8), ("250000 100000", 3), ("50000 100000", 1), ("nonsense", 8), ("1 0", 8)],
)
def test_a_control_group_bounds_the_processors(monkeypatch: pytest.MonkeyPatch, quota: str, count: int) -> None:
    monkeypatch.setattr(limits.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(limits, "_group_files", lambda name: [quota] if name == "cpu.max" else [])
    assert limits.processors() == count


def test_where_memory_is_short_fewer_workers_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "processors", lambda: 16)
    for megabytes, jobs in ((64 * 1024, 16), (4096, 4), (512, 1)):
        monkeypatch.setattr(limits, "memory", lambda megabytes=megabytes: megabytes * MEBIBYTE)
        assert limits.usual_jobs() == jobs


def test_this_machine_has_at_least_one_processor_and_some_memory() -> None:
    assert limits.processors() >= 1
    assert limits.memory() > 64 * MEBIBYTE
