"""Flip bits of a small signed file, one at a time: what passes although a reader would show something else?

`bench/flips.py` runs all eight bits of every byte, the tests one bit of each.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import claims
import studio
from personactl_ledger import Ed25519Signer, Ledger
from PIL import Image
from studio import Studio

from personactl.disclose import C2paSigner, exif, formats, read_marks, xmp
from personactl.verify import verify_file

FORMS = ("png", "jpeg", "webp")
SIDE = 16
RUN = "small-00000000"


@dataclass(frozen=True, slots=True)
class Small:
    """The smallest file that carries everything but a watermark: about 5,000 bytes. `receipt` proves it."""

    form: str
    data: bytes
    receipt: bytes = field(repr=False)


@dataclass(slots=True)
class Sweep:
    """What came of flipping: how often each (verdict, exit code) was said, and what must not be.

    `passed`: every (place, bit) that passed; `shown_otherwise`: (place, bit, what) of those that show something else;
    `slowest`: CPU seconds of one file.
    """

    outcomes: Counter[tuple[str, int]] = field(default_factory=Counter)
    passed: list[tuple[int, int]] = field(default_factory=list)
    shown_otherwise: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)
    slowest: float = 0.0


def small_files(ours: Studio, folder: Path) -> dict[str, Small]:
    """One file of each format, signed by our key, and its receipt from a ledger that continues ours."""
    data = {form: _signed(ours, form) for form in FORMS}
    path, run_key = folder / "small.sqlite", Ed25519Signer.generate()
    path.write_bytes(ours.ledger_path.read_bytes())
    opened = {**studio.run_open(ours.origin, run_key), "run": RUN}
    indices = {}
    with Ledger.open_writer(path) as ledger:
        ledger.append([studio.entry("run-open", ("plan", "55" * 32), opened, ours.keyset.operator)], now=studio.NOW)
        for form, content in data.items():
            said = {
                "origin": ours.origin, "run": RUN, "entryId": _entry_id(form), "jobKey": _entry_id(form) * 2,
                "persona": {"id": "lira", "version": 2}, "generatedAt": studio.NOW,
            }  # fmt: skip
            named = (f"a.{form}", hashlib.sha256(content).hexdigest())
            (indices[form],) = ledger.append([studio.entry("output", named, said, run_key)], now=studio.NOW)
        ledger.checkpoint(ours.keyset.log, now=studio.NOW)
        return {form: Small(form, data[form], ledger.prove(indices[form])) for form in FORMS}


def _entry_id(form: str) -> str:
    return f"{FORMS.index(form) + 1:032x}"


def _signed(ours: Studio, form: str) -> bytes:
    row, entry_id = formats.named(form), _entry_id(form)
    packet = xmp.build({xmp.DIGITAL_SOURCE_TYPE: claims.SYNTHETIC, "Iptc4xmpExt:DigImageGUID": entry_id})
    block = exif.build(software="personactl test", description="AI", created_at=studio.NOW)
    encoded = row.encode(studio.picture(3, SIDE), xmp=packet, exif=block)
    return C2paSigner(ours.keyset.c2pa).sign(studio.claim(ours, entry_id), row.media_type, encoded).data


def sweep(small: Small, ours: Studio, path: Path, bits: Iterable[tuple[int, int]]) -> Sweep:
    """Flip each (place, bit) and judge the file at `path`, beside which a receipt may lie."""
    good, result = shown(small.data, ours), Sweep()
    path.write_bytes(small.data)
    verify_file(path, [ours.trust], pixels=True)  # loads what the first file that is decoded needs
    for place, bit in bits:
        changed = bytearray(small.data)
        changed[place] ^= 1 << bit
        path.write_bytes(changed)
        started = time.process_time()
        verdict = verify_file(path, [ours.trust])
        result.slowest = max(result.slowest, time.process_time() - started)
        result.outcomes[verdict.verdict, verdict.exit_code] += 1
        if verdict.verdict == "pass":
            result.passed.append((place, bit))
            now = shown(bytes(changed), ours)
            other = tuple(name for name in good if now[name] != good[name])
            if other:
                result.shown_otherwise.append((place, bit, other))
    return result


def shown(data: bytes, ours: Studio) -> dict[str, Any]:
    """All that a reader shows of a file: what we read of its marks, and what Pillow makes of picture and metadata."""
    marks = read_marks(data, anchors=ours.trust.c2pa_anchors)
    claim = marks.c2pa
    return {
        "type": marks.media_type,
        "xmp": dict(marks.xmp),
        "exif": marks.exif_software,
        "findings": [item.code for item in marks.findings],
        "claim": (claim.state, claim.failures, claim.active_label, claim.title, claim.generator, claim.ingredients),
        "words": (claim.actions, claim.assertion, claim.ai_disclosure),
        "signer": (claim.issuer, claim.signed_at, claim.leaf_sha256),
        "picture": _decoded(data),
    }


def _decoded(data: bytes) -> tuple[Any, ...]:
    try:
        with Image.open(io.BytesIO(data)) as read:
            read.load()
            held = {name: value for name, value in read.info.items() if isinstance(value, str | bytes | int)}
            return (read.format, read.mode, read.size, getattr(read, "n_frames", 1), read.tobytes(), held)
    except (OSError, SyntaxError, ValueError) as error:
        return (type(error).__name__,)
