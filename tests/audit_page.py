"""The answers in docs/audit.md: `python tests/audit_page.py` writes them, a test compares.

Each SQL block is asked of the small ledger of tests/ledger/story.py by the real sqlite3 program.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "ledger"))

import story

PAGE = Path(__file__).resolve().parents[1] / "docs" / "audit.md"
QUESTION = re.compile(r"```sql\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def audit_page(current: str) -> str:
    """The page with its hand-written text and the answers of today."""
    with tempfile.TemporaryDirectory() as scratch:
        ledger = story.write(Path(scratch) / "ledger.sqlite")
        return QUESTION.sub(lambda found: f"```sql\n{found[1]}```\n\n```text\n{ask(ledger, found[1])}```", current)


def ask(ledger: Path, sql: str) -> str:
    """What the sqlite3 program answers, one column a line."""
    done = subprocess.run(
        ["sqlite3", "-readonly", "-line", str(ledger), sql], capture_output=True, text=True, check=True
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


if __name__ == "__main__":
    PAGE.write_text(audit_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
