"""Detection and recognition through insightface. The only file that imports insightface and onnxruntime.

FaceAnalysis gets an absolute folder, so that its download code cannot be reached, one thread, and two tasks: networks
for age and sex are never loaded. Alignment is our own: the library's calls a function that scikit-image 2.2 removes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import cv2
    import onnx
    import onnxruntime
    from insightface.app import FaceAnalysis

import numpy as np

from personactl.errors import UsageProblem, WeightsError
from personactl.identity.face import CROP, Array, Face, similarity_to_crop

# Networks with a fixed input ignore this.
DETECTOR_SIZE = (640, 640)


class FaceNetworks:
    """A detector and a recogniser from one insightface package. Safe to use from several threads."""

    def __init__(self, package: Path, *, embedding: int, weakest_score: float):
        """`package`: an absolute folder with a version 2 manifest; faces below `weakest_score` (0..1) are not reported.

        Raises WeightsError (weights.cannot-load).
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        try:
            for file in sorted(package.rglob("*")):  # the manifest may name networks in sub folders
                if file.suffix.lower() == ".onnx":
                    _refuse_external_data(file)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                analysis = FaceAnalysis(
                    name=str(package.resolve(strict=True)),
                    allowed_modules=["detection", "recognition"],
                    providers=["CPUExecutionProvider"],
                    sess_options=options,
                )
                analysis.prepare(ctx_id=0, det_thresh=weakest_score, det_size=DETECTOR_SIZE)
            self._detector = analysis.models["detection"]
            self._recogniser = analysis.models["recognition"]
        except Exception as error:  # protobuf's and onnxruntime's errors have no base class of their own
            raise WeightsError(
                f"the networks cannot be loaded: {str(error)[:300]}", where=package.name, code="weights.cannot-load"
            ) from error
        width = self._recogniser.output_shape[-1]
        if width != embedding:
            raise WeightsError(
                f"the recogniser makes embeddings of width {width}, the manifest says {embedding}",
                where=package.name,
                code="weights.cannot-load",
            )

    def detect(self, rgb: Array) -> tuple[Face, ...]:
        """Every face in a picture, (height, width, 3) uint8 RGB, the most certain first."""
        boxes, landmarks = self._detector.detect(_to_bgr(rgb))
        if landmarks is None:
            raise WeightsError("the detector gives no landmarks", code="weights.cannot-load")
        return tuple(
            Face(
                box=(float(row[0]), float(row[1]), float(row[2]), float(row[3])),
                score=float(row[4]),
                landmarks=np.asarray(points, np.float64),
            )
            for row, points in zip(boxes, landmarks, strict=True)
        )

    def embed(self, rgb: Array, face: Face) -> tuple[Array, Array]:
        """((width,) float32 of unit length, the aligned crop (112, 112, 3) uint8 BGR)."""
        crop = cv2.warpAffine(_to_bgr(rgb), similarity_to_crop(face.landmarks), (CROP, CROP), borderValue=0)
        raw = np.asarray(self._recogniser.get_feat(crop), np.float64).ravel()
        length = float(np.linalg.norm(raw))
        return (raw / length if length > 0 else raw).astype(np.float32), crop


def _to_bgr(rgb: Array) -> Array:
    """insightface takes floats in 0..1 for black pictures and fails on grey ones; neither gets that far."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise UsageProblem(
            f"a picture of type {rgb.dtype} and shape {rgb.shape} cannot be scored",
            hint="give 8-bit RGB",
            code="identity.picture",
        )
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _refuse_external_data(path: Path) -> None:
    """A network whose numbers lie in other files would not be the one whose digest was checked."""
    model = onnx.load_model(str(path), load_external_data=False)
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(model)):
        raise ValueError(f"{path.name} keeps its numbers in other files")


def _tensors(message: Any) -> Iterator[onnx.TensorProto]:
    """Every tensor in a network: initializers, sparse ones, attributes of nodes, inner graphs, functions."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for _, value in message.ListFields():
        for item in value if hasattr(value, "append") else [value]:  # a repeated field, or one value
            if hasattr(item, "ListFields"):  # a message; protobuf itself bounds how deep they nest
                yield from _tensors(item)
