"""What a check of the ledger says in words: the verdict, and where to read on."""

from __future__ import annotations

from typing import Any

import pytest
from personactl_ledger import CheckReport, LedgerFinding
from terminals import piped

from personactl.render import ledgers


def report(*codes: str, **changed: Any) -> CheckReport:
    said: dict[str, Any] = {
        "ok": not codes, "size": 7, "root_hex": "ab" * 32, "origin": "example.org/personactl/0123456789abcdef",
        "findings": tuple(LedgerFinding(code, "said", 3) for code in codes), "anchored": False, "level": "full",
        "checkpoints": 2, "signed_size": 7, "development": False, "distrusted": (), "notes": (),
    }  # fmt: skip
    return CheckReport(**(said | changed))


def shown(found: CheckReport) -> str:
    terminal, out, _ = piped()
    ledgers.show_check(terminal, found, exit_code=found.exit_code)
    return out.getvalue()


@pytest.mark.parametrize(("codes", "word"), [
    ((), "good: 7 entries"),
    (("ledger.trust-root",), "not trusted: 7 entries"),
    (("ledger.tile",), "broken: 7 entries"),
    (("ledger.fork",), "contradicts an anchor: 7 entries"),
    (("ledger.rollback", "ledger.tile"), "broken: 7 entries"),
])  # fmt: skip
def test_the_verdict_says_what_is_wrong(codes: tuple[str, ...], word: str) -> None:
    text = shown(report(*codes))
    assert f"\n{word}" in f"\n{text}"
    assert [line for line in text.splitlines() if "explain" in line] == [
        f"  → personactl explain {code}" for code in codes
    ]


def test_a_file_that_holds_no_entries_has_no_root() -> None:
    for code, word in (("ledger.journal", "not checked"), ("ledger.header", "broken")):
        text = shown(report(code, origin="", size=0, root_hex=""))
        assert f"{word}: no entry was read" in text
        assert "root" not in text


def test_development_keys_are_named() -> None:
    assert "development keys: not for release" in shown(report(development=True))
    assert "development" not in shown(report())
