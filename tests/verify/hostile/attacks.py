"""One attack a row: how the file is made, and the verdict, exit code, findings and words that must come of it.

Rows are judged twice, through `verify_paths` and by the command in a process of its own; neither may take long.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio import Studio

from personactl.errors import worst_exit
from personactl.verdict import Verdict
from personactl.verify import verify_paths

CEILING_S = 10.0
"""CPU seconds for one file, far above what any takes: the machine that runs the tests may be busy."""


@dataclass(frozen=True, slots=True)
class Studios:
    ours: Studio
    theirs: Studio


@dataclass(frozen=True, slots=True)
class Attack:
    """`says` must stand in the message of one of the findings. With `options` only the library is asked."""

    name: str
    make: Callable[[Studios], bytes]
    verdict: str
    exit_code: int
    codes: tuple[str, ...] = ()
    says: str = ""
    suffix: str = ".png"
    options: Mapping[str, Any] | None = None


def names(attacks: Sequence[Attack]) -> list[str]:
    assert len({attack.name for attack in attacks}) == len(attacks) > 0
    return [attack.name for attack in attacks]


def judge(path: Path, ours: Studio, **options: Any) -> Verdict:
    """The verdict on one file under our trust file. Fails when it took long."""
    started = time.process_time()
    (verdict,) = verify_paths([path], [ours.trust], **options)
    taken = time.process_time() - started
    assert taken < CEILING_S, f"{taken:.1f} s of CPU"
    return verdict


def expect(verdict: Verdict, attack: Attack) -> None:
    found = {item.code: item.message for item in verdict.findings}
    assert (verdict.verdict, verdict.exit_code) == (attack.verdict, attack.exit_code), (verdict.axes, found)
    assert set(attack.codes) <= set(found), found
    assert any(attack.says in message for message in found.values()), found


def run(attack: Attack, studios: Studios, folder: Path) -> None:
    """Judge one row through the library."""
    path = folder / f"attack{attack.suffix}"
    path.write_bytes(attack.make(studios))
    expect(judge(path, studios.ours, **(attack.options or {})), attack)


def command(arguments: Sequence[str | Path], *, timeout: float = 120, **how: Any) -> subprocess.CompletedProcess[bytes]:
    """`personactl verify` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "personactl", "verify", *map(str, arguments)],
        capture_output=True, check=False, timeout=timeout, **how,
    )  # fmt: skip


def run_command(attacks: Sequence[Attack], studios: Studios, folder: Path) -> None:
    """Judge all rows by one call of the command: verdict and codes of each, and the worst exit code."""
    under_test, rows = folder / "delivery", [attack for attack in attacks if not attack.options]
    under_test.mkdir()
    for number, attack in enumerate(rows):
        (under_test / f"{number:03}{attack.suffix}").write_bytes(attack.make(studios))
    trust = folder / "trust.json"
    trust.write_bytes(studios.ours.trust_bytes)
    done = command([under_test, "--trust", trust, "--json"], timeout=CEILING_S * len(rows))
    files = json.loads(done.stdout)["files"]
    assert len(files) == len(rows)
    for attack, file in zip(rows, files, strict=True):
        codes = {item["code"] for item in file["findings"]}
        assert file["verdict"] == attack.verdict, (attack.name, file)
        assert set(attack.codes) <= codes, (attack.name, codes)
    assert done.returncode == worst_exit([attack.exit_code for attack in rows])
    assert b"Traceback" not in done.stderr
