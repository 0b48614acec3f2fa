"""How the watermark holds: distortion, survival, time and false positives, as tables.

    OMP_NUM_THREADS=1 python bench/watermark.py --quick                 a few pictures, under a minute
    OMP_NUM_THREADS=1 python bench/watermark.py --results FOLDER        everything; goes on where it stopped
    OMP_NUM_THREADS=1 python bench/watermark.py --results FOLDER --only 512.0 512.1 ...
    OMP_NUM_THREADS=1 python bench/watermark.py --results FOLDER --only         only the tables

"lost" counts pictures whose 64 bits did not come back exactly or were not called present; a wrong payload that was
called present is counted by itself. The pictures need scikit-image and skia (the development extra).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import stats
from skimage.metrics import structural_similarity

sys.path.insert(0, str(Path(__file__).resolve().parent))
from watermark_attacks import PAIRS, SINGLE
from watermark_pictures import GROUPS, group

from personactl.disclose import coding, spectrum, watermark, watermark_search

Array = np.ndarray[Any, Any]
Result = dict[str, Any]
CROPS_OF_SMALL = 16
"""Below 256 pixels there are no tiles and crops are lost: so many pictures are enough to show it."""
PART = 10
KEYS_PER_PICTURE = 50
KEYS_SEARCHED = 5
"""For so many keys of a picture the tiles are looked for as well, unless --all-tiles asks for all; it takes long."""
QUICK_ATTACKS = ("as delivered: PNG", "JPEG 50", "resized to 50 %", "cropped to 80 %", "crop 80 % + resize 150 %")


def survival(name: str, numbers: range, wanted: tuple[str, ...] | None = None) -> Result:
    """Some pictures of a group under all attacks."""
    attacks = {key: attack for key, attack in (SINGLE | PAIRS).items() if wanted is None or key in wanted}
    lost: dict[str, list[str]] = {key: [] for key in attacks}
    tried = dict.fromkeys(attacks, 0)
    wrong: list[str] = []
    rows: list[dict[str, float]] = []
    for picture in group(name, numbers):
        number = picture.number
        payload = np.random.default_rng(number).bytes(8)
        marked, seconds = timed(lambda rgb=picture.rgb, bits=payload: watermark.embed(rgb, bits))
        megapixels = picture.rgb.shape[0] * picture.rgb.shape[1] / 1e6
        row = {"embed": seconds / megapixels, "psnr": watermark.psnr(picture.rgb, marked)}
        row["ssim"] = structural_similarity(
            *(np.asarray(Image.fromarray(x).convert("L")) for x in (picture.rgb, marked))
        )
        row["unmarked"] = timed(lambda rgb=picture.rgb: watermark.extract(rgb))[1]
        row["extract"] = timed(lambda rgb=marked: watermark.extract(rgb))[1]
        rows.append(row)
        for index, (key, attack) in enumerate(attacks.items()):
            if name in ("128", "192", "generated") and "crop" in key and number >= CROPS_OF_SMALL:
                continue
            found = watermark.extract(attack(marked, np.random.default_rng([number, index])))
            tried[key] += 1
            if not found.present:
                lost[key].append(f"{number} {picture.kind}")
            elif found.payload != payload:
                wrong.append(f"{key} {number} {picture.kind}")
    return {"group": name, "rows": rows, "lost": lost, "tried": tried, "wrong": wrong}


def unmarked(pairs: int, seed: int, searched: int) -> Result:
    """Pairs of a picture that was not marked and a key, with all that the search does for one picture."""
    random = np.random.default_rng(seed)
    numbers = random.integers(0, GROUPS["512"][1], pairs // KEYS_PER_PICTURE).tolist()
    sources = [picture.rgb for number in numbers for picture in group("512", range(number, number + 1))]
    rows, present = [], 0
    strengths: list[float] = []
    peak = watermark_search.peak

    def recorded(look: watermark_search.Look, key: bytes) -> watermark_search.Placement:
        place = peak(look, key)
        strengths.append(place.strength)
        return place

    watermark_search.peak = recorded
    for number in range(pairs // KEYS_PER_PICTURE):
        rgb = _variant(sources[number % len(sources)], random)
        seen = spectrum.analyse(rgb, *watermark.reach_seen(*rgb.shape[:2]))
        inner = watermark.inside_border(spectrum.luma(rgb))
        looks = tuple(list(stage) for stage in watermark_search.stages(seen))
        for count in range(KEYS_PER_PICTURE):
            watermarker = watermark.LayeredWatermarker(key=random.bytes(16))
            readings = list(watermarker.readings(seen, looks if count < searched else (), inner))
            present += any(reading.present for reading in readings)
            scores = [reading.score for reading in readings]
            bordered = [] if inner is None else [scores.pop(2)]
            rows.append(
                [scores[0], max([scores[1], *bordered]), max(scores[2:], default=0.0), len(scores) - 2,
                 max(strengths, default=0.0), len(bordered)]
            )  # fmt: skip
            strengths.clear()
    watermark_search.peak = peak
    return {"group": f"unmarked-{seed}", "present": present, "pairs": rows}


def _variant(rgb: Array, random: np.random.Generator) -> Array:
    """A random cut in a random size."""
    edge = int(random.integers(96, min(rgb.shape[:2]) + 1))
    top, left = (int(random.integers(0, length - edge + 1)) for length in rgb.shape[:2])
    cut = Image.fromarray(np.ascontiguousarray(rgb[top : top + edge, left : left + edge]))
    return np.asarray(cut.resize((int(random.integers(96, 640)),) * 2, Image.Resampling.BICUBIC))


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result and the CPU seconds."""
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def print_survival(results: list[Result]) -> None:
    names = [result["group"] for result in results]
    print("\n| | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    print("| pictures | " + " | ".join(str(len(result["rows"])) for result in results) + " |")
    for title, key, scale, form in (
        ("PSNR, min / median (dB)", "psnr", 1, "{:.1f}"),
        ("SSIM, min / median", "ssim", 1, "{:.4f}"),
        ("embed, median / max (CPU ms per MP)", "embed", 1e3, "{:.0f}"),
        ("extract marked, median / max (CPU ms)", "extract", 1e3, "{:.0f}"),
        ("extract unmarked, median / max (CPU ms)", "unmarked", 1e3, "{:.0f}"),
    ):
        values = [np.array([row[key] for row in result["rows"]]) * scale for result in results]
        first = [v.min() if key in ("psnr", "ssim") else np.median(v) for v in values]
        second = [np.median(v) if key in ("psnr", "ssim") else v.max() for v in values]
        cells = (f"{form.format(a)} / {form.format(b)}" for a, b in zip(first, second, strict=True))
        print(f"| {title} | " + " | ".join(cells) + " |")
    for key in results[0]["tried"]:
        cells = (f"{len(result['lost'][key])} of {result['tried'][key]}" for result in results)
        print(f"| {key} | " + " | ".join(cells) + " |")
    wrong = [item for result in results for item in result["wrong"]]
    print(f"\nwrong payloads called present: {len(wrong)} {wrong}")


def print_unmarked(results: list[Result]) -> None:
    """Counts, and each statistic's tail beyond its threshold: an extreme-value law fitted to the maxima per pair."""
    pairs = np.array([row for result in results for row in result["pairs"]])
    present = sum(result["present"] for result in results)
    print(f"\nunmarked pairs of picture and key called marked: {present} of {len(pairs)}")
    decodings = 2 + watermark.SEARCHED + 8 * pairs[:, 3] + watermark.BORDERED * pairs[:, 5]
    print(f"decodings per pair: mean {decodings.mean():.2f}, largest {decodings.max():.0f}")
    strengths = pairs[pairs[:, 4] > 0, 4]
    print(f"strongest look of {len(strengths)}: median {np.median(strengths):.2f}, highest {strengths.max():.2f}")
    total = 0.0
    for title, column, threshold in (
        ("as seen (best of 2)", 0, watermark.PRESENT_WHOLE),
        (f"searched (best of {watermark.SEARCHED})", 1, watermark.PRESENT_SEARCHED),
        ("tiles (best of 8 × places)", 2, watermark.PRESENT_TILES),
    ):
        scores = pairs[:, column][pairs[:, column] > 0]
        line = f"{title}: {len(scores)} scores"
        if len(scores) > 20:
            law = stats.genextreme.fit(scores, 0.2, loc=np.median(scores), scale=scores.std())
            tail = float(stats.genextreme.sf(threshold, *law)) * len(scores) / len(pairs)
            observed = float(np.mean(pairs[:, column] >= threshold))
            total += max(tail, observed) * 2.0**-coding.CRC_BITS
            line += f", median {np.median(scores):.3f}, highest {scores.max():.3f}, "
            line += f"GEV({law[0]:.3f}, {law[1]:.4f}, {law[2]:.4f}), "
            line += f"at or above {threshold}: {observed:.2e} observed, {tail:.2e} by the fit"
        print(line)
    chance = 2.0**-coding.CRC_BITS
    print(
        f"times 2^-{coding.CRC_BITS} for the CRC: {total:.1e} per picture; CRC alone: {decodings.mean() * chance:.1e}"
    )
    print(f"stated: {watermark.FALSE_POSITIVE_RATE:.0e}")


def tasks(options: argparse.Namespace) -> dict[str, Callable[[], Result]]:
    """The parts of the work by name; each is kept in a file of its own."""
    if options.quick:
        return {
            "128.0": lambda: survival("128", range(1), QUICK_ATTACKS),
            "512.0": lambda: survival("512", range(1), QUICK_ATTACKS),
            # one picture with a border and one without
            "unmarked.0": lambda: unmarked(2 * KEYS_PER_PICTURE, 2, KEYS_SEARCHED),
        }
    work: dict[str, Callable[[], Result]] = {}
    for name, (_, count) in GROUPS.items():
        for first in range(0, count, PART):
            numbers = range(first, min(first + PART, count))
            work[f"{name}.{first // PART}"] = lambda name=name, numbers=numbers: survival(name, numbers)
    searched = KEYS_PER_PICTURE if options.all_tiles else KEYS_SEARCHED
    for part in range(20):
        work[f"unmarked.{part}"] = lambda part=part: unmarked(options.unmarked // 20, part, searched)
    return work


def merged(results: list[Result]) -> list[Result]:
    """One result per group, of those of its parts."""
    groups: dict[str, Result] = {}
    for result in results:
        whole = groups.setdefault(
            result["group"], {"group": result["group"], "rows": [], "lost": {}, "tried": {}, "wrong": []}
        )
        whole["rows"] += result["rows"]
        whole["wrong"] += result["wrong"]
        for key, lost in result["lost"].items():
            whole["lost"].setdefault(key, []).extend(lost)
            whole["tried"][key] = whole["tried"].get(key, 0) + result["tried"][key]
    return list(groups.values())


def main() -> None:
    parser = argparse.ArgumentParser(description="distortion, survival and false positives of the watermark")
    parser.add_argument("--results", type=Path, help="folder for one JSON file per group of pictures")
    parser.add_argument("--unmarked", type=int, default=10_000, help="pairs of an unmarked picture and a key")
    parser.add_argument("--all-tiles", action="store_true", help="look for tiles under all keys")
    parser.add_argument("--only", nargs="*", default=None, help="parts to run; the tables show all that is there")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    results: dict[str, Result] = {}
    for name, work in tasks(options).items():
        file = options.results / f"{name}.json" if options.results else None
        if file and file.exists():
            results[name] = json.loads(file.read_text())
        elif options.only is None or name in options.only:
            results[name] = work()
            if file:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(results[name]))
    marked = [result for name, result in results.items() if not name.startswith("unmarked")]
    if marked:
        print_survival(merged(marked))
    if len(marked) < len(results):
        print_unmarked([result for name, result in results.items() if name.startswith("unmarked")])


if __name__ == "__main__":
    main()
