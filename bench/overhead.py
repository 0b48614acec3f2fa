"""CPU time of finishing one picture, stage by stage, beside the bare library call that does the same.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python bench/overhead.py [--side 1024] [--repeats 15]

Prints medians of CPU milliseconds (one thread) and wall milliseconds, the ratio to the bare call, and the two sums that
the project's goals speak of: without the watermark (80 ms) and with the watermark and its read-back (180 ms).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c2pa as library
from PIL import Image

from personactl import claim_terms
from personactl.disclose import c2pa_manifest, exif, fingerprint, formats, marks, pixels, watermark, xmp
from personactl.model import OutputSpec

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "disclose"))
from signed_pictures import CLAIMED_AT, ENTRY_ID, MODEL, ORIGIN, POLICIES, disclosed, keyset, picture, signer

PAYLOAD = bytes.fromhex(ENTRY_ID)[:8]


@dataclass(frozen=True)
class Row:
    stage: str
    ours: Callable[[], Any]
    bare: Callable[[], Any] | None = None
    bare_name: str = ""


def measure(call: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Median CPU and wall time of one call in milliseconds, after one call that warms caches."""
    call()
    cpu, wall = [], []
    for _ in range(repeats):
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        call()
        cpu.append((time.process_time() - cpu_start) * 1e3)
        wall.append((time.perf_counter() - wall_start) * 1e3)
    return statistics.median(cpu), statistics.median(wall)


def pillow_png(rgb: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="PNG")
    return buffer.getvalue()


def bare_sign(data: bytes, definition: dict[str, Any]) -> Callable[[], Any]:
    credential = keyset().c2pa
    made = library.Signer.from_info(
        library.C2paSignerInfo(
            alg=b"es256", sign_cert=credential.chain_pem, private_key=credential.private_key_pem, ta_url=None
        )
    )
    context = library.Context.from_dict({"version": 1, "builder": {"thumbnail": {"enabled": False}}})

    def sign() -> None:
        library.Builder(definition, context=context).sign(made, "image/png", io.BytesIO(data), io.BytesIO())

    return sign


def bare_read(data: bytes) -> Callable[[], Any]:
    context = library.Context.from_dict({"version": 1, "trust": {"user_anchors": keyset().c2pa.anchor_pem}})
    return lambda: library.Reader("image/png", io.BytesIO(data), context=context).json()


def write(folder: str, data: bytes, *, sync: bool) -> None:
    with (Path(folder) / "picture").open("wb") as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())


def rows(side: int, folder: str) -> list[Row]:
    original = picture(side, side)
    marked = watermark.embed(original, PAYLOAD)
    packet = xmp.build({xmp.DIGITAL_SOURCE_TYPE: claim_terms.TRAINED_ALGORITHMIC_MEDIA, xmp.ALT_TEXT: "AI"})
    block = exif.build(software="personactl", description="AI", created_at=CLAIMED_AT)
    png = formats.named("png")
    encoded = png.encode(marked, xmp=packet, exif=block)
    generation = c2pa_manifest.assertion(
        entry_id=ENTRY_ID, persona_id="lira", persona_version=2, origin=ORIGIN, policies=POLICIES, output=OutputSpec()
    )
    definition = c2pa_manifest.definition(title="rain-0.png", created_at=CLAIMED_AT, model=MODEL, generation=generation)
    signed = signer().sign(definition, "image/png", encoded)
    return [
        Row("watermark embed", lambda: watermark.embed(original, PAYLOAD)),
        Row(
            "encode PNG + XMP + EXIF",
            lambda: png.encode(marked, xmp=packet, exif=block),
            lambda: pillow_png(marked),
            "Pillow save, default level",
        ),
        Row(
            "sign C2PA",
            lambda: signer().sign(definition, "image/png", encoded),
            bare_sign(encoded, definition),
            "c2pa Builder.sign",
        ),
        Row(
            "read back C2PA + XMP + EXIF",
            lambda: marks.read_marks(signed.data, anchors=signer().anchors),
            bare_read(signed.data),
            "c2pa Reader.json",
        ),
        Row(
            "decode final pixels",
            lambda: pixels.decode(signed.data),
            lambda: Image.open(io.BytesIO(signed.data)).load(),
            "Pillow load",
        ),
        Row("read back watermark", lambda: watermark.extract(marked)),
        Row("watermark PSNR", lambda: watermark.psnr(original, marked)),
        Row("ISCC", lambda: fingerprint.image_code(marked)),
        Row("sha256", lambda: hashlib.sha256(signed.data).hexdigest(), lambda: hashlib.sha256(signed.data), "hashlib"),
        Row("write", lambda: write(folder, signed.data, sync=False)),
        Row("write + fsync", lambda: write(folder, signed.data, sync=True)),
        Row("whole, no watermark", lambda: disclosed(pixels=original, output=OutputSpec(watermark=False))),
        Row("whole, watermark read back", lambda: disclosed(pixels=original)),
        Row("read marks of a stranger's file", lambda: marks.read_marks(signed.data, anchors=())),
        Row("extract from an unmarked picture", lambda: watermark.extract(original)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    size = f"{options.side}x{options.side}"
    print(f"one {size} PNG, medians of {options.repeats}; CPU ms of this process")
    print(f"{'stage':34} {'CPU ms':>8} {'wall ms':>8}   {'bare CPU ms':>11} {'ratio':>6}  bare call")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for row in rows(options.side, folder):
            cpu, wall = measure(row.ours, options.repeats)
            line = f"{row.stage:34} {cpu:8.1f} {wall:8.1f}"
            if row.bare is not None:
                bare, _ = measure(row.bare, options.repeats)
                line += f"   {bare:11.1f} {cpu / bare:6.2f}  {row.bare_name}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
