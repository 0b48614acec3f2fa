"""Writing a network as an ONNX file."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn


def write_onnx(
    network: nn.Module,
    example: torch.Tensor,
    path: Path,
    *,
    inputs: str,
    outputs: Sequence[str],
    axes: dict[str, dict[int, str]] | None = None,
) -> None:
    """ONNX opset 17 of `network` in evaluation mode; `axes` names the sizes that may differ from `example`'s.

    By torch's older exporter: it folds batch norms and keeps the order and the rank of outputs, by which insightface
    tells a detector from a recogniser.
    """
    network = network.to(memory_format=torch.contiguous_format).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (example,),
            str(path),
            input_names=[inputs],
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
