"""The model card, written from the figures of an evaluation: no number in it was typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from personactl.pocket.dataset import IDENTITIES, VIEWS_PER_IDENTITY
from personactl.pocket.evaluate import Measured
from personactl.pocket.gallery import write_gallery
from personactl.pocket.generator import BATCH
from personactl.pocket.plots import write_plots
from personactl.pocket.scene import BACKGROUNDS, CLOTHES, CLOTHING_COLOURS, EXPRESSIONS, FRAMINGS, LIGHTS, VIEWS

FOLDER = "card"
FIGURES = f"{FOLDER}/figures.json"

LIMITS = """\
## What it is, and what it is not

A small model pack for invented, drawn faces, so that the whole of `personactl` can be run for real on a laptop: the
same pipeline, adapter, detector, recogniser and gate classes as with large models. Everything in it was trained from
scratch by this project's own code on pictures that its own renderer drew. No photograph, no real person's data and no
foreign weights went into it.

- It draws a flat cartoon head at 128 x 128 px. It cannot make photographs, bodies, hands, groups or other subjects.
- It must not be used on real people. Its recognisers were never shown a photograph; their cosines mean nothing there,
  and its thresholds do not carry over to any other recogniser, generator or domain.
- Framings are close-up and portrait, views up to about 29 degrees of yaw; there is no profile. Words outside the
  grammar below are tokenised but mean nothing to it.
- Features that take a few pixels (moles, lashes, the shape of the nose) are often lost or changed.
"""

PLOTS = f"""\
![True accepts against false accepts]({FOLDER}/roc.webp)

![Histograms of cosines]({FOLDER}/scores.webp)

![Words of the prompt that show]({FOLDER}/prompts.webp)
"""

PICTURES = f"""\
## Pictures

All chosen by rule, none by eye.

Eight personas in eight prompts, each row with the persona's drawn reference first. The same prompts and seeds in every
row.

![Eight personas in eight prompts]({FOLDER}/grid.webp)

Failures: the measured pictures that are least like their own persona, each after the persona's drawn reference.

![Failures]({FOLDER}/failures.webp)

Image-to-image with another prompt (laughing, sunset, yellow sweater, warm light), strength 0.2 to 0.8.

![Image-to-image at rising strength]({FOLDER}/strength.webp)

Inpainting: a picture, its mask, the face made anew (surprised) for the same persona, and for another one.

![Inpainting]({FOLDER}/inpainting.webp)

Four pictures with their pixels doubled, and through the upscaler.

![Enlarged]({FOLDER}/enlarged.webp)
"""


def _percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def _span(interval: Any, digits: int = 1) -> str:
    low, high = interval
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f} %"


Row = tuple[str, str, str]


def table(figures: dict[str, Any]) -> str:
    """The figures as a Markdown table with 95 % intervals."""
    rows = [*_recogniser_rows(figures), *_part_rows(figures), *_generated_rows(figures["generated"])]
    lines = ["| measured | value | interval or sample |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {what} | {value} | {note} |" for what, value, note in rows)]) + "\n"


def _recogniser_rows(figures: dict[str, Any]) -> list[Row]:
    rows = []
    for role in ("conditioner", "scorer"):
        part = figures[role]
        pairs = f"{part['genuinePairs']} genuine, {part['impostorPairs']} impostor pairs"
        rows.append((f"{role}: equal error rate, drawn pictures", _percent(part["equalErrorRate"], 3), pairs))
        accepts = _percent(part["trueAcceptAtFar1e3"], 2)
        rows.append((f"{role}: true accepts at FAR 0.1 %", accepts, _span(part["trueAcceptInterval"], 2)))
    return rows


def _part_rows(figures: dict[str, Any]) -> list[Row]:
    found, vae = figures["detector"], figures["vae"]
    place = f"{found['overlap']:.3f}, {_percent(found['keyPointError'])} of the face"
    bound = f"95 % upper bound {_percent(found['falseAlarmsUpper'])}, {found['emptyPictures']} pictures"
    kept = f"cosine to the person {vae['cosineBefore']:.3f} before, {vae['cosineAfter']:.3f} after"
    larger = figures["upscaler"]
    return [
        ("detector: drawn faces found", _percent(found["found"], 2), _span(found["foundInterval"], 2)),
        ("detector: overlap (IoU), key point error", place, f"{found['pictures']} pictures"),
        ("detector: false alarms where no face is", _percent(found["falseAlarms"]), bound),
        ("autoencoder: round trip", f"{vae['psnr']:.1f} dB", kept),
        (
            "upscaler: twice the size",
            f"{larger['psnr']:.1f} dB",
            f"bicubic {larger['psnrBicubic']:.1f} dB, {larger['pictures']} pictures out of the autoencoder",
        ),
    ]


def _generated_rows(made: dict[str, Any]) -> list[Row]:
    own, others = (
        f"{made['ownMean']:.3f} ± {made['ownSpread']:.3f}",
        f"{made['othersMean']:.3f} ± {made['othersSpread']:.3f}",
    )
    low, high = made["aucInterval"]
    larger = made["enlarged"]
    limit = (
        f"FAR {_percent(made['falseAcceptRate'], 2)} (95 % upper bound {_percent(made['falseAcceptUpper95'], 2)}), "
        f"true accepts {_percent(made['trueAcceptRate'])}"
    )
    rows = [
        ("generated: face found", _percent(made["faceFound"]), _span(made["faceFoundInterval"])),
        ("generated: cosine to the own persona", own, f"{made['genuinePairs']} pictures"),
        (f"generated: cosine to the {made['personas'] - 1} others", others, f"{made['impostorPairs']} pairs"),
        ("generated: AUC own against others", f"{made['auc']:.3f}", f"{low:.3f} to {high:.3f} (personas resampled)"),
        (
            f"generated: own persona nearest of {made['personas']}",
            _percent(made["nearestIsOwn"]),
            _span(made["nearestIsOwnInterval"]),
        ),
        ("calibrated threshold", f"{made['threshold']:.3f}", limit),
        (
            "the same pictures enlarged, at this threshold",
            f"cosine {larger['ownMean']:.3f}",
            f"FAR {_percent(larger['falseAcceptRate'], 2)}, true accepts {_percent(larger['trueAcceptRate'])}",
        ),
    ]
    for name, part in made["prompt"].items():
        note = (
            f"{_span(part['interval'])}; by chance {_percent(part['byChance'])}; "
            f"the probe reads {_percent(part['onRenders'])} of unseen renders"
        )
        rows.append((f"prompt followed: {name}", _percent(part["read"]), note))
    return rows


def write_card(folder: Path, measured: Measured, steps: dict[str, int]) -> None:
    """MODEL_CARD.md of the pack in `folder`, with its pictures and figures in card/."""
    (folder / FOLDER).mkdir(exist_ok=True)
    write_plots(measured, folder / FOLDER)
    write_gallery(measured.studio, measured.pictures, folder / FOLDER)
    (folder / FIGURES).write_text(json.dumps(measured.figures, indent=2) + "\n", encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(model_card(measured.figures, steps), encoding="utf-8")


def model_card(figures: dict[str, Any], steps: dict[str, int]) -> str:
    """The text of MODEL_CARD.md."""
    return "\n".join(
        [
            "# Model card: pocket\n",
            "Licence: Apache-2.0 (LICENSE), weights included.\n",
            LIMITS + _weak_words(figures),
            _grammar(),
            "## Figures\n",
            _protocol(figures),
            table(figures),
            PLOTS,
            PICTURES,
            _training(steps),
        ]
    )


def _weak_words(figures: dict[str, Any]) -> str:
    """The word classes of a prompt that generated pictures show less than three times in four of what renders do."""
    parts = figures["generated"]["prompt"]
    weak = [name for name, part in parts.items() if part["read"] < 0.75 * part["onRenders"]]
    return f"- These parts of a prompt are often not followed in this version: {', '.join(weak)}.\n" if weak else ""


def _grammar() -> str:
    groups = {
        "framing": FRAMINGS,
        "expression": EXPRESSIONS,
        "view": VIEWS,
        "background": BACKGROUNDS,
        "clothing": tuple(f"<colour> {cloth}" for cloth in CLOTHES),
        "colour": tuple(CLOTHING_COLOURS),
        "light": LIGHTS,
    }
    lines = [f"- {name}: {', '.join(words)}" for name, words in groups.items()]
    example = "`portrait, smiling, three-quarter view left, night street, red coat, soft light`"
    return "\n".join(
        ["## Prompts\n", "Comma-separated phrases of this grammar, in any order:\n", *lines, f"\nExample: {example}\n"]
    )


def _protocol(figures: dict[str, Any]) -> str:
    sample = figures["sample"]
    return (
        "Measured by `python -m personactl.pocket evaluate` through the shipped files and the code that uses them, on "
        f"people and scenes outside all training sets: {sample['people']} people x {sample['views']} drawn pictures; "
        f"{sample['personas']} personas x {sample['prompts']} prompts generated, same prompts and seeds for all, and "
        f"{sample['captions']} further captions for the rows `prompt followed`. The "
        "conditioner's embedding drives the generator; the scorer, trained from another seed on other people, measures "
        "it. Detector and renderer are common to both. Intervals are 95 %; pictures of one persona are not "
        "independent, so the binomial ones are somewhat too narrow.\n"
    )


def _training(steps: dict[str, int]) -> str:
    lines = [f"- {name}: {count} steps" for name, count in steps.items()]
    data = (
        f"Two sets of {IDENTITIES} drawn identities x {VIEWS_PER_IDENTITY} pictures; recogniser a (conditioner) saw "
        "the first, b (scorer) the second, the generator both."
    )
    generator = (
        f"The generator's batch is {BATCH}; one or two CPU processes were used, and runs were resumed with changed "
        "totals of steps. So the commands give a pack like this one, not the same bytes. Networks that were taken over "
        "from an earlier pack saw the pictures of that pack's renderer."
    )
    return "\n".join(
        [
            "## Training\n",
            data,
            generator,
            "",
            *lines,
            "",
        ]
    )
