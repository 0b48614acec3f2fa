"""A run of two pictures in a process of its own: two_pictures.py PROJECT. The exit code is that of the run.

One picture passes at once, the other after a rejected attempt, so that every kind of entry is written.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))

from personactl_ledger import LedgerError
from workshop import Workshop, text

from personactl.errors import PersonactlError

MANIFEST = text("rain*2: in the rain", threshold="0.95", attempts=4, seed=4)


def run(project: str) -> int:
    try:
        return Workshop(Path(project)).run(MANIFEST).exit_code
    except (PersonactlError, LedgerError) as error:
        print(error.code, error.where, error.message, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
