"""The scheduler names that a manifest may use, and the diffusers classes behind them.

Every scheduler here draws its noise from the item's own generator, so that a seed means one picture. Left out on
purpose: DPMSolverSDE, whose Brownian tree has a seed of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT = "dpmsolver++"

# name → (class in diffusers, settings that make the name true)
SCHEDULERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "dpmsolver++": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "deis": ("DEISMultistepScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "pndm": ("PNDMScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
}


def name_of(class_name: str) -> str:
    """The manifest's name for a scheduler class, or the default where there is none."""
    return next((name for name, (known, _) in SCHEDULERS.items() if known == class_name), DEFAULT)
