"""A run in every format that is written: the file has its type, its marks are read back, and `verify` passes it."""

from __future__ import annotations

import pytest
from workshop import NOW, Workshop, text

from personactl import keys
from personactl.disclose import formats
from personactl.keys import trust
from personactl.verify import verify_paths


@pytest.mark.parametrize("name", [row.name for row in formats.FORMATS])
def test_a_run_delivers_the_format_that_was_asked_for(shop: Workshop, name: str) -> None:
    summary = shop.run(text("rain: in the rain", extra=f'[output]\nformat = "{name}"'))
    assert (summary.done, summary.exit_code) == (1, 0)
    (output,) = shop.ledger(kind="output")
    assert output.entry.predicate["file"]["mediaType"] == formats.named(name).media_type
    exported = keys.export_trust(shop.keyset, name="s", origin=output.entry.predicate["origin"], detector="", now=NOW)
    accepted = trust.parse(exported, "trust.json")
    judged = list(verify_paths([shop.out(summary.run_id)], [accepted], pixels=True))
    (verdict,) = [item for item in judged if item.media_type]
    assert (verdict.verdict, verdict.axes.integrity, verdict.axes.watermark) == ("pass", "exact", "present")
    assert {item.code for item in verdict.findings} <= {"verify.development-keys", "verify.record-limits"}
