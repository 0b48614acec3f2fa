"""Commands of the pocket pack.

    python -m personactl.pocket train --stage all --work DIR      render, train every network, resumable
    python -m personactl.pocket pack --work DIR --out FOLDER      export, measure, seal
    python -m personactl.pocket evaluate FOLDER                   measure a pack again, print the table
    python -m personactl.pocket demo-persona --out FOLDER         draw the demo persona

Two CPU processes for the generator:
    torchrun --nproc-per-node 2 -m personactl.pocket train --stage generator --work DIR
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from personactl.errors import PersonactlError
from personactl.pocket import STAGES

BASE = "begin with this pack's weights, and take over what has no checkpoint in the work folder"


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m personactl.pocket", description="Train, pack and measure the pocket pack."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser(
        "train", help="run one training stage, or all of them in order; resumes where it stopped"
    )
    train.add_argument("--stage", required=True, choices=("all", *STAGES))
    train.add_argument(
        "--work", required=True, type=Path, help="folder for pictures and checkpoints, outside the repository"
    )
    train.add_argument("--base", type=Path, metavar="PACK", help=BASE)
    train.add_argument("--device", default="cpu", help="cpu or cuda")
    train.add_argument("--threads", default=1, type=int, help="CPU threads of this process")
    train.add_argument("--steps", type=int, help="train up to this step instead of the stage's default")
    train.add_argument("--smoke", action="store_true", help="a tiny set and 20 steps: shows that every stage runs")
    packing = commands.add_parser("pack", help="export the trained parts, measure them, write the pack")
    packing.add_argument("--work", required=True, type=Path)
    packing.add_argument("--out", required=True, type=Path)
    packing.add_argument("--base", type=Path, metavar="PACK", help=BASE)
    packing.add_argument("--smoke", action="store_true", help="measure on a tiny sample")
    measuring = commands.add_parser("evaluate", help="measure a pack and print the figures with their intervals")
    measuring.add_argument("pack", type=Path, help="the pack's folder")
    measuring.add_argument(
        "--card", type=Path, metavar="FOLDER", help="also write the model card, its plots and pictures into this folder"
    )
    measuring.add_argument("--smoke", action="store_true", help="measure on a tiny sample")
    demo = commands.add_parser("demo-persona", help="draw the demo persona")
    demo.add_argument("--out", required=True, type=Path)
    return parser


def _train(options: argparse.Namespace) -> None:
    import cv2
    import torch

    from personactl.pocket.stages import Workplace, run

    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    _check_base(options.base)
    place = Workplace(folder=options.work, device=options.device, base=options.base, smoke=options.smoke)
    run(place, options.stage, steps=options.steps)


def _check_base(base: Path | None) -> None:
    """Nothing is taken over from a pack whose files are not the ones that it lists."""
    if base is not None:
        from personactl.pocket.pack import read_pack

        read_pack(base)


def _pack(options: argparse.Namespace) -> None:
    from personactl.pocket import assemble, card, evaluate
    from personactl.pocket.stages import Workplace

    sample = evaluate.SMOKE_SAMPLE if options.smoke else evaluate.Sample()
    _check_base(options.base)
    place = Workplace(folder=options.work, base=options.base, smoke=options.smoke)
    figures = assemble.assemble(place, options.out, sample=sample)
    sys.stdout.write(card.table(figures))


def _evaluate(options: argparse.Namespace) -> None:
    from personactl.pocket import card, evaluate, pack

    document = pack.read_pack(options.pack)
    measured = evaluate.measure_pack(options.pack, evaluate.SMOKE_SAMPLE if options.smoke else evaluate.Sample())
    if options.card:
        options.card.mkdir(parents=True, exist_ok=True)
        card.write_card(options.card, measured, document.get("training", {}))
    sys.stdout.write(card.table(measured.figures))


def _demo(options: argparse.Namespace) -> None:
    from personactl.pocket.demo import write_demo_persona

    write_demo_persona(options.out)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a known problem is one line on standard error and its documented exit code."""
    options = build_parser().parse_args(arguments)
    commands = {"train": _train, "pack": _pack, "evaluate": _evaluate, "demo-persona": _demo}
    try:
        commands[options.command](options)
    except PersonactlError as error:
        hint = f" ({error.hint})" if error.hint else ""
        sys.stderr.write(f"error: {error.where or ''}: {error.message}{hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
