"""The model card's curves: scores of the same person and of others, and how often a word of the prompt shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("agg")  # no window, whatever the machine's configuration says
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from personactl.pocket.evaluate import Measured

TITLES = {
    "conditioner": "conditioner, drawn pictures",
    "scorer": "scorer, drawn pictures",
    "generated": "scorer, generated pictures",
}
INK, OWN, OTHERS = "#222831", "#00798c", "#d1495b"
LOWEST_RATE = 1e-5


def write_plots(measured: Measured, folder: Path) -> None:
    """roc.webp, scores.webp and prompts.webp into `folder`."""
    with plt.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK}):
        _write_roc(measured, folder / "roc.webp")
        _write_histograms(measured, folder / "scores.webp")
        _write_prompts(measured.figures["generated"]["prompt"], folder / "prompts.webp")


def roc(genuine: np.ndarray, impostor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False accept and true accept rates over all thresholds that the impostors' scores make, ascending."""
    ordered = np.sort(impostor)[::-1]
    places = np.unique(np.geomspace(1, len(ordered), 400).astype(int)) - 1
    accepts = 1 - np.searchsorted(np.sort(genuine), ordered[places], side="left") / len(genuine)
    return (places + 1) / len(ordered), accepts


def _write_roc(measured: Measured, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    for (name, scores), colour in zip(measured.scores.items(), ("#7a8794", INK, OWN), strict=True):
        axes.plot(*roc(*scores), label=TITLES[name], color=colour)
    axes.set(xscale="log", xlim=(LOWEST_RATE, 1), ylim=(0, 1.01))
    axes.set(xlabel="false accept rate", ylabel="true accept rate")
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", frameon=False)
    _save(figure, path)


def _write_histograms(measured: Measured, path: Path) -> None:
    figure, rows = plt.subplots(1, 3, figsize=(9.6, 2.7), layout="constrained", sharey=True)
    bins = np.linspace(-0.6, 1, 65)
    for axes, (name, (genuine, impostor)) in zip(rows, measured.scores.items(), strict=True):
        axes.hist(impostor, bins=bins, density=True, color=OTHERS, alpha=0.6, label=f"others ({len(impostor):,})")
        axes.hist(genuine, bins=bins, density=True, color=OWN, alpha=0.6, label=f"same person ({len(genuine):,})")
        axes.set(title=TITLES[name], xlabel="cosine")
        axes.legend(frameon=False, fontsize=7)
    rows[2].axvline(measured.figures["generated"]["threshold"], color=INK, linestyle="--", linewidth=1)
    rows[0].set_ylabel("density")
    _save(figure, path)


def _write_prompts(parts: dict[str, Any], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    places = np.arange(len(parts))
    read = np.array([part["read"] for part in parts.values()])
    spans = np.array([part["interval"] for part in parts.values()]).T
    axes.barh(places, read, color=OWN, height=0.6, label="generated pictures, 95 % interval")
    axes.errorbar(read, places, xerr=np.abs(spans - read), fmt="none", ecolor=INK, capsize=2, linewidth=1)
    _mark(axes, places, [part["onRenders"] for part in parts.values()], "|", "drawn pictures")
    _mark(axes, places, [part["byChance"] for part in parts.values()], ".", "by chance")
    axes.set(
        yticks=places, yticklabels=list(parts), xlim=(0, 1.02), xlabel="the probe reads the word that was asked for"
    )
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", frameon=False, ncols=3, fontsize=8)
    _save(figure, path)


def _mark(axes: Axes, places: np.ndarray, values: list[float], sign: str, label: str) -> None:
    axes.plot(values, places, sign, color=INK, markersize=13 if sign == "|" else 6, label=label, linestyle="none")


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=120, pil_kwargs={"quality": 88, "method": 6})
    plt.close(figure)
