"""Pages that would lie when the code changes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import audit_page
import pytest
import reference_pages

from personactl import manifest
from personactl.cli.exits import TABLE


def test_the_manifest_page_is_what_the_key_table_says() -> None:
    text = reference_pages.PAGE.read_text(encoding="utf-8")
    assert reference_pages.FIRST in text
    assert text == reference_pages.manifest_page(text)


def test_the_manifest_on_the_page_is_valid() -> None:
    found = re.search(r"```toml\n(.*?)```", reference_pages.PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    assert manifest.parse(found[1].encode(), "docs/manifest.md").campaign.id == "spring"


def test_the_readme_names_every_exit_code(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    (line,) = [part for part in text.split("\n\n") if part.startswith("Exit codes:")]
    named = {int(number) for number in re.findall(r"\b\d+\b", line)}
    assert named == set(TABLE)


def test_the_answers_on_the_audit_page_are_those_of_today() -> None:
    if shutil.which("sqlite3") is None:
        pytest.skip("needs the Debian package sqlite3")
    text = audit_page.PAGE.read_text(encoding="utf-8")
    assert len(audit_page.QUESTION.findall(text)) >= 6
    assert text == audit_page.audit_page(text)


def test_every_link_between_pages_leads_somewhere(repository: Path) -> None:
    pages = [*repository.glob("*.md"), *repository.glob("docs/**/*.md"), *repository.glob("ledger/*.md")]
    assert len(pages) > 10
    broken = []
    for page in pages:
        for link in re.findall(r"\]\(([^)#: ]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / link).exists():
                broken.append(f"{page.relative_to(repository)} → {link}")
    assert broken == []
