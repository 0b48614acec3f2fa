"""What each output format costs: encoding, reading back, and the bytes that the marks add.

    python bench/formats.py [SIDE]

Prints one row a format for one picture of SIDE x SIDE pixels (1000): CPU milliseconds per megapixel of the writer, the
decoder and the walker, the size of the file without marks, what XMP and EXIF add, and what the credential adds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from personactl import claim_terms, keys
from personactl.disclose import C2paSigner, c2pa_manifest, exif, formats, pixels, watermark, xmp
from personactl.model import ModelLock, OutputSpec

NOW = "2026-01-02T03:04:05Z"
ENTRY_ID = "0123456789abcdef" * 2
PROPERTIES = {
    xmp.DIGITAL_SOURCE_TYPE: claim_terms.TRAINED_ALGORITHMIC_MEDIA,
    "Iptc4xmpExt:AISystemUsed": "pocket",
    "Iptc4xmpExt:AISystemVersionUsed": "sha256:" + "ab" * 32,
    "Iptc4xmpExt:DigImageGUID": ENTRY_ID,
    xmp.ALT_TEXT: "AI-generated picture of a synthetic person",
    "xmp:CreatorTool": "personactl",
    "xmp:CreateDate": NOW,
}
REPEATS = 3


def scene(side: int) -> np.ndarray[Any, Any]:
    """A picture with smooth areas, edges and grain, uint8 RGB (side, side, 3)."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:side, 0:side] / side
    base = np.stack([120 + 90 * np.sin(7 * x + 3 * y), 110 + 80 * np.cos(5 * y), 140 + 60 * np.sin(9 * x * y)], axis=-1)
    base[(x - 0.5) ** 2 + (y - 0.45) ** 2 < 0.06] += 50
    return np.clip(base + random.normal(0, 3, base.shape), 0, 255).astype(np.uint8)


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds of the fastest of a few calls, over all threads."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) * 1000


def signer() -> C2paSigner:
    with TemporaryDirectory() as folder:
        place = Path(folder) / "keys"
        keys.create_development(place, organisation="Bench", domain="example.org", now=NOW)
        return C2paSigner(keys.load(place).c2pa)


def definition() -> dict[str, Any]:
    model = ModelLock(
        name="pocket", family="stable-diffusion", backend="diffusers", license="Apache-2.0", license_sha256="00" * 32,
        commercial=True, sha256="ab" * 32, files=(), resolution=(128, 128), default_steps=20, default_guidance="2.5",
        default_scheduler="dpmsolver++",
    )  # fmt: skip
    generation = c2pa_manifest.assertion(
        entry_id=ENTRY_ID, persona_id="lira", persona_version=1, origin="example.org/bench", policies=(),
        output=OutputSpec(),
    )  # fmt: skip
    return c2pa_manifest.definition(title="bench", created_at=NOW, model=model, generation=generation, watermarked=True)


def main() -> None:
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    megapixels = side * side / 1e6
    plain = scene(side)
    marked = watermark.embed(plain, bytes.fromhex(ENTRY_ID)[:8])
    packet = xmp.build(PROPERTIES)
    block = exif.build(software="personactl", description="AI-generated picture", created_at=NOW)
    nothing = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
    by = signer()
    print("format  encode  decode  walk    bare bytes  XMP+EXIF  C2PA  PSNR   score   (ms CPU per megapixel)")
    for row in formats.FORMATS:
        encoded = row.encode(marked, xmp=packet, exif=block)
        signed = by.sign(definition(), row.media_type, encoded).data
        bare = len(row.encode(marked, xmp=b"", exif=nothing))
        encode = cpu_ms(lambda row=row: row.encode(marked, xmp=packet, exif=block)) / megapixels  # type: ignore[misc]
        decode = cpu_ms(lambda data=signed: pixels.decode(data)) / megapixels  # type: ignore[misc]
        walk = cpu_ms(lambda row=row, data=signed: row.parts(data))  # type: ignore[misc]
        final = pixels.decode(signed)
        psnr = "same" if np.array_equal(final, marked) else f"{watermark.psnr(marked, final):.1f}"
        print(
            f"{row.name:6s} {encode:7.1f} {decode:7.1f} {walk:6.2f} {bare:12d} {len(encoded) - bare:9d} "
            f"{len(signed) - len(encoded):6d}  {psnr:5s} {watermark.extract(final).score:.4f}"
        )


if __name__ == "__main__":
    main()
