"""What the command line costs before it does anything, against the bare interpreter: CPU seconds of one process.

    python bench/startup.py [rounds]

Goal: `--help` at most 6 times the bare interpreter. The wall clock of a shared machine says little, so the table shows
user plus system time of the child, the median of the rounds, taken in turns.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile

RUN = "import sys; from personactl.cli import main; sys.argv[0] = 'personactl'; main()"
CASES = {
    "bare interpreter": ["-c", "pass"],
    "import click": ["-c", "import click"],
    "personactl --help": ["-c", RUN, "--help"],
    "personactl --version": ["-c", RUN, "--version"],
    "personactl verify (no such file)": ["-c", RUN, "verify", "none.png"],
}


def cost(arguments: list[str], folder: str) -> float:
    """CPU seconds of one child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    spent: dict[str, list[float]] = {name: [] for name in CASES}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, arguments in CASES.items():
                spent[name].append(cost(arguments, folder))
    bare = statistics.median(spent["bare interpreter"])
    print(f"{'command':<34}{'CPU ms':>8}{'× bare':>8}   ({rounds} rounds, Python {sys.version.split()[0]})")
    for name, seconds in spent.items():
        median = statistics.median(seconds)
        print(f"{name:<34}{median * 1000:>8.1f}{median / bare:>8.1f}")


if __name__ == "__main__":
    main()
