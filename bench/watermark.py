"""How the watermark holds: quality, survival and false positives, as a table.

    OMP_NUM_THREADS=1 python bench/watermark.py [--folder PICTURES] [--unmarked 2000]

Without a folder it draws soft synthetic pictures. With one it takes every picture in it that Pillow opens, cut to a
square in the middle. "read" counts pictures whose 64 bits came back exactly and were called present.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from personactl.disclose import coding, watermark

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "disclose"))
from signed_pictures import picture, saved

Array = np.ndarray[Any, Any]
SIDES = (128, 256, 512, 1024)


def pictures(folder: Path | None, side: int) -> Iterator[Array]:
    if folder is None:
        for seed in range(12):
            yield picture(side, side, seed)
        return
    for path in sorted(folder.iterdir()):
        try:
            with Image.open(path) as opened:
                rgb = opened.convert("RGB")
        except OSError:
            continue
        edge = min(rgb.size)
        left, top = (rgb.width - edge) // 2, (rgb.height - edge) // 2
        square = rgb.crop((left, top, left + edge, top + edge))
        yield np.asarray(square.resize((side, side), Image.Resampling.LANCZOS))


def attacks(marked: Array) -> Iterator[tuple[str, Array]]:
    image, side = Image.fromarray(marked), marked.shape[0]
    yield "as delivered (PNG)", marked
    for quality in (95, 90, 75, 50, 30):
        yield f"JPEG {quality}", saved(marked, "JPEG", quality=quality)
    for quality in (90, 80, 60):
        yield f"WebP {quality}", saved(marked, "WEBP", quality=quality)
    for factor in (0.5, 0.75, 1.5):
        edge = int(side * factor)
        yield f"resized to {factor:.0%}", np.asarray(image.resize((edge, edge), Image.Resampling.LANCZOS))
    small = image.resize((side * 3 // 4, side * 3 // 4), Image.Resampling.BICUBIC)
    yield "75 % and JPEG 75", saved(np.asarray(small), "JPEG", quality=75)
    yield "aspect 4:3", np.asarray(image.resize((side, side * 3 // 4), Image.Resampling.BICUBIC))
    yield "mirrored", np.ascontiguousarray(marked[:, ::-1])
    yield "quarter turn", np.ascontiguousarray(np.rot90(marked))
    yield "brightness +15 %", np.clip(marked * 1.15, 0, 255).astype(np.uint8)
    yield "brightness -20 %", (marked * 0.8).astype(np.uint8)
    yield "blur, radius 1", np.asarray(image.filter(ImageFilter.GaussianBlur(1)))
    cut = max(1, side // 50)
    yield "cropped by 2 %", np.ascontiguousarray(marked[cut:, cut:])


def survival(folder: Path | None, side: int) -> None:
    random = np.random.default_rng(side)
    read: dict[str, list[int]] = {}
    quality = []
    for original in pictures(folder, side):
        payload = random.bytes(8)
        marked = watermark.embed(original, payload)
        quality.append(watermark.psnr(original, marked))
        for name, seen in attacks(marked):
            found = watermark.extract(seen)
            counts = read.setdefault(name, [0, 0, 0])
            counts[0] += found.present and found.payload == payload
            counts[1] += found.present and found.payload != payload
            counts[2] += 1
    print(f"\n{side} x {side}: PSNR {min(quality):.1f} to {max(quality):.1f} dB, {len(quality)} pictures")
    for name, (good, wrong, total) in read.items():
        print(f"  {name:22} read {good:3}/{total}" + (f"   WRONG {wrong}" if wrong else ""))


def unmarked(folder: Path | None, count: int) -> None:
    """False positives on random cuts, sizes and qualities of unmarked pictures, and of simulated phases."""
    random = np.random.default_rng(7)
    sources = list(pictures(folder, 640))
    present, best = 0, 0.0
    for _ in range(count):
        source = sources[random.integers(len(sources))]
        edge = int(random.integers(64, 640))
        top, left = random.integers(0, 640 - edge + 1, 2)
        cut = Image.fromarray(np.ascontiguousarray(source[top : top + edge, left : left + edge]))
        side = int(random.integers(64, 400))
        buffer = io.BytesIO()
        cut.resize((side, side)).save(buffer, format="JPEG", quality=int(random.integers(40, 96)))
        found = watermark.extract(np.asarray(Image.open(buffer).convert("RGB")))
        present += found.present
        best = max(best, found.score)
    print(f"\nunmarked pictures called marked: {present} of {count} (highest score of the first reading {best:.3f})")
    scores = []
    for _ in range(20_000):
        soft = np.cos(2 * np.pi * random.random(coding.CODED_BITS))
        scores.append(float(np.mean(coding.encode(coding.decode(soft)[0]) * soft)))
    print(f"simulated phases: score {np.mean(scores):.3f} ± {np.std(scores):.3f}, highest {max(scores):.3f} of 20,000")


def main() -> None:
    parser = argparse.ArgumentParser(description="survival and false positives of the watermark")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--unmarked", type=int, default=2000)
    options = parser.parse_args()
    for side in SIDES:
        survival(options.folder, side)
    unmarked(options.folder, options.unmarked)


if __name__ == "__main__":
    main()
