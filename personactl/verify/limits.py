"""How much one file may cost: time, memory, descriptors; and how many files may cost it at once.

A picture of the largest size that is decoded needs 1.5 GiB (`pixels.ASKED_PIXELS`), the largest file that is read 0.5
GiB and the C2PA library as much again. Memory is bounded where the system does it: Linux does, macOS ignores both
limits, so that there only time, descriptors and written bytes are bounded.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from personactl.model import Finding

MEBIBYTE = 1 << 20
MAX_BYTES = 512 * MEBIBYTE
"""Largest file that is read."""
OUT_OF_MEMORY = "verify.out-of-memory"
"""The code of a file that took more memory than one may have."""
MEMORY_PER_WORKER = 1 << 30
"""What a machine should have for each worker that is started unasked; most pictures need a tenth."""
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`seconds` of wall clock for any file and `seconds_per_mebibyte` more for its size; `memory` bytes of address
    space, as RLIMIT_AS and RLIMIT_DATA count them; `descriptors` that may be open."""

    seconds: float = 30.0
    seconds_per_mebibyte: float = 0.5
    memory: int = 3 << 30
    descriptors: int = 64

    def seconds_for(self, size: int) -> float:
        """Wall clock for a file of `size` bytes."""
        return self.seconds + self.seconds_per_mebibyte * size / MEBIBYTE

    def apply(self) -> None:
        """Bind this process, for good: no core file, and no byte can be written to any file."""
        import resource

        for name, value in (
            ("RLIMIT_CORE", 0),
            ("RLIMIT_FSIZE", 0),
            ("RLIMIT_NOFILE", self.descriptors),
            ("RLIMIT_AS", self.memory),
            ("RLIMIT_DATA", self.memory),
        ):
            kind = getattr(resource, name, None)
            if kind is None:
                continue
            hard = resource.getrlimit(kind)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            with suppress(OSError, ValueError):  # a system that knows the limit and does not take it
                resource.setrlimit(kind, (bound, bound))


def out_of_memory(findings: Iterable[Finding]) -> bool:
    """Whether reading the file took more memory than one may have. A process in which that happened may have too little
    left for the next file, and is not used for it."""
    return any(item.code == OUT_OF_MEMORY for item in findings)


def usual_jobs() -> int:
    """Workers to start when nobody says how many: one for each processor, fewer where memory is short. At least 1."""
    return max(1, min(processors(), memory() // MEMORY_PER_WORKER))


def processors() -> int:
    """Those that this process may use: its affinity, and the quota of its control group."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [_quota(text) for text in _group_files("cpu.max")]
    return max(1, min([count, *(math.ceil(quota) for quota in quotas if quota)]))


def memory() -> int:
    """Bytes of memory that this process may use: the machine's, or the limit of its control group."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # a system that does not tell
        total = MEMORY_PER_WORKER * 4
    bounds = [int(text) for text in _group_files("memory.max") if text.isdigit()]
    return min([total, *bounds])


def _quota(text: str) -> float:
    """Processors of a line of cpu.max, "max 100000" or "150000 100000"; 0 for no bound."""
    words = text.split()
    known = len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]) > 0
    return int(words[0]) / int(words[1]) if known else 0.0


def _group_files(name: str) -> Iterator[str]:
    """The text of this file in the control group of this process and in every group above it (cgroup v2)."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    place = next((line[3:] for line in lines if line.startswith("0::/")), "/").strip("/")
    folder = _CGROUP / place
    for group in (folder, *(parent for parent in folder.parents if parent.is_relative_to(_CGROUP))):
        with suppress(OSError, ValueError):
            yield (group / name).read_text(encoding="utf-8").strip()
