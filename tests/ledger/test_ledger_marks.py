"""What copies of delivered files are found by, and envelopes that are no entries."""

from __future__ import annotations

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import FormatError, Ledger, marks
from personactl_ledger.envelope import MAX_LEAF_BYTES, EnvelopeSignature, pae, parse_envelope, write_envelope


@pytest.mark.parametrize("rows", [1, 2, 4096])
def test_every_output_is_there_with_what_finds_it_and_whether_it_was_taken_back(
    bench: Bench, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(marks, "_ROWS", rows)
    drafts = [bench.output("a", iscc="ISCC:EED"), bench.output("b"), bench.output("c", iscc=7)]
    first, second, third = ledger.append(drafts, now=NOW)
    ledger.append([bench.void("b", second)], now=NOW)
    known = {index: ledger.entry(index).entry.predicate["entryId"] for index in (first, second, third)}
    assert list(ledger.marks()) == [
        (first, known[first], "ISCC:EED", False),
        (second, known[second], None, True),
        (third, known[third], 7, False),
    ]


def test_an_envelope_that_is_no_entry_may_be_larger_where_the_caller_says_so() -> None:
    signer = forge.signer("ann")
    payload = b"x" * MAX_LEAF_BYTES
    signature = EnvelopeSignature(signer.key_id, signer.sign(pae(payload)))
    with pytest.raises(FormatError) as caught:
        write_envelope(payload, [signature])
    assert caught.value.code == "ledger.leaf-size"
    data = write_envelope(payload, [signature], most=1 << 20)
    assert parse_envelope(data, most=1 << 20).payload == payload
    with pytest.raises(FormatError):
        parse_envelope(data)
