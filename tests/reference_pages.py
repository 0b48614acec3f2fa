"""Pages that are generated from the code: `python tests/reference_pages.py` writes them, a test compares."""

from __future__ import annotations

from pathlib import Path

from personactl import manifest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "manifest.md"
FIRST = "## Manifest\n"


def manifest_page(current: str) -> str:
    """The page with its hand-written beginning and the generated rest."""
    beginning, _, _ = current.partition(FIRST)
    return beginning + manifest.reference_page().rstrip("\n") + "\n"


if __name__ == "__main__":
    PAGE.write_text(manifest_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
