"""A trust file that revokes a key: receipts and ledgers that rest on it from there on fail, older ones do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from studio import Studio

from personactl.keys.trust import TrustFile
from personactl.verify import verify_file


def revoking(studio: Studio, kid: str, index: int) -> TrustFile:
    return replace(studio.trust, revoked=((kid, index),))


@pytest.mark.parametrize("source", ["receipt", "ledger"])
def test_a_file_whose_signer_was_certified_by_a_revoked_key_fails(ours: Studio, tmp_path: Path, source: str) -> None:
    operator = ours.keyset.operator.key_id  # it opened the run by entry 3
    path = ours.deliver(tmp_path, receipt=source == "receipt")
    ledger = ours.ledger_path if source == "ledger" else None
    verdict = verify_file(path, [revoking(ours, operator, 3)], ledger=ledger)
    found = {item.code for item in verdict.findings}
    assert (verdict.verdict, verdict.exit_code) == ("fail", 5), found
    assert "verify.entry-distrusted" in found
    later = verify_file(path, [revoking(ours, operator, 4)], ledger=ledger, require_exact=True)
    assert (later.verdict, later.exit_code) == ("pass", 0)


def test_a_receipt_whose_checkpoint_only_a_stolen_ledger_key_signed_fails(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path)
    verdict = verify_file(path, [revoking(ours, ours.keyset.log.key_id, 5)])
    assert (verdict.verdict, verdict.exit_code) == ("fail", 5)
    told = next(item.message for item in verdict.findings if item.code == "verify.entry-distrusted")
    assert "ledger key" in told
    size = 3 + 1 + len(ours.works)
    assert verify_file(path, [revoking(ours, ours.keyset.log.key_id, size)]).verdict == "pass"


def test_a_distrusted_receipt_of_other_bytes_is_still_told_apart(ours: Studio, tmp_path: Path) -> None:
    path = ours.deliver(tmp_path, called="a.png", receipt=False)
    path.with_name("a.png.receipt").write_bytes(ours.works["jpeg"].receipt)
    verdict = verify_file(path, [revoking(ours, ours.keyset.operator.key_id, 3)])
    assert (verdict.verdict, verdict.exit_code) == ("fail", 4)
    assert "verify.bytes-differ" in {item.code for item in verdict.findings}


def test_another_trust_file_that_believes_the_key_does_not_outvote_the_first(ours: Studio, tmp_path: Path) -> None:
    """Whoever accepted both files was told of the theft by one of them."""
    path = ours.deliver(tmp_path)
    both = [ours.trust, revoking(ours, ours.keyset.operator.key_id, 3)]
    for order in (both, both[::-1]):
        assert verify_file(path, order).exit_code == 5, order
