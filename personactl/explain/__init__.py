"""One short page for each code that a command can print: what it means, likely causes, what to do.

The pages are Markdown files named `<code>.md` in `pages/`; each begins with `# <code>`.
"""

from __future__ import annotations

import re
from pathlib import Path

from personactl.errors import UsageProblem

PAGES = Path(__file__).parent / "pages"
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")


def codes() -> tuple[str, ...]:
    """Every code that has a page, sorted."""
    return tuple(sorted(path.stem for path in PAGES.glob("*.md")))


def page(code: str) -> str:
    """The page of one code, as Markdown. Raises UsageProblem (cli.code-unknown) with the closest codes."""
    path = PAGES / f"{code}.md"
    if _CODE.fullmatch(code) and path.is_file():
        return path.read_text(encoding="utf-8")
    from difflib import get_close_matches

    close = get_close_matches(code, codes(), n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(close)}?" if close else "`personactl explain` alone lists all codes"
    raise UsageProblem(f"there is no page for the code {code[:80]!r}", hint=hint, code="cli.code-unknown")
