"""A pack of exactly the shipped layout with random weights: small, quick to build, good for every path but quality.

Its detector is not random: it reads faces off painted cells, so that tests can put faces where they want. The picture
(128 x 128) is a grid of 4 x 4 cells of 32 pixels; a cell's mean red is the detector's score, green the size of the
face, blue the turn of the head (128 is frontal). `paint` makes such pictures.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

SIZE = 128
CELL = 32
EMBEDDING = 128
THRESHOLD = "0.4650"


def paint(*faces: tuple[int, int, float, int, int], look: int | None = None) -> np.ndarray[Any, Any]:
    """A black picture with faces (column, row, score 0..1, face width in pixels, turn -100..100).

    The centre of a face is the upper left corner of its cell: the detector's anchors sit there. `look`: a seed for
    green and blue blocks in the cells without a face; the detector does not see them, the recogniser does.
    """
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    if look is not None:
        blocks = np.random.default_rng(look).integers(0, 256, (SIZE // 8, SIZE // 8, 3), np.uint8)
        picture = blocks.repeat(8, axis=0).repeat(8, axis=1)
        picture[:, :, 0] = 0
    for column, row, score, width, turn in faces:
        cell = picture[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        cell[:] = (round(score * 255), round(width / 128 * 255), 128 + turn)
    return picture


def build_pack(folder: Path, *, calibration: Mapping[str, Any] | None = None) -> Path:
    """Write the pack into `folder` (made if missing) and return it. It has no upscaler: see `add_upscaler`."""
    generator = folder / "generator"
    generator.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _write_generator(generator, folder / "ip-adapter")
    for name, seed in (("conditioner", 1), ("scorer", 2)):
        write_faces(folder / name, seed)
    (folder / "LICENSE").write_text("Apache License 2.0, for tests\n")
    index_pack(folder, calibration=calibration)
    return folder


def add_upscaler(folder: Path, *, scale: int = 2, stated: int = 2) -> None:
    """An upscaler that repeats every pixel `scale` times, named in pack.json as one of scale `stated`."""
    from onnx import TensorProto, checker, helper, numpy_helper

    factors = numpy_helper.from_array(np.float32([1, 1, scale, scale]), "factors")
    node = helper.make_node(
        "Resize",
        ["picture", "", "factors"],
        ["enlarged"],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, f"{name}_high", f"{name}_wide"])
        for name in ("picture", "enlarged")
    ]
    graph = helper.make_graph([node], "for-tests", ends[:1], ends[1:], [factors])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    (folder / "upscaler").mkdir(exist_ok=True)
    (folder / "upscaler/upscaler.onnx").write_bytes(model.SerializeToString())
    index_pack(folder, upscaler={"file": "upscaler/upscaler.onnx", "scale": stated})


def index_pack(folder: Path, *, calibration: Mapping[str, Any] | None = None, **parts: Any) -> None:
    """(Re)write pack.json over what is there; `parts` are further keys of it."""
    recogniser = hashlib.sha256((folder / "scorer/recogniser.onnx").read_bytes()).hexdigest()
    files = {
        path.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "pack.json"
    }
    document = {
        "schema": "personactl.pocket/1",
        "name": "random",
        "version": "0.1",
        "license": "Apache-2.0",
        "resolution": [SIZE, SIZE],
        "generator": "generator",
        "ipAdapter": {"folder": "ip-adapter", "weightName": "ip-adapter-faceid.safetensors", "tokens": 4},
        "conditioner": {"folder": "conditioner", "embedding": EMBEDDING},
        "scorer": {
            "folder": "scorer",
            "embedding": EMBEDDING,
            "minFacePx": 24,
            "minDetectorScore": 0.5,
            "calibration": {
                "recogniserSha256": recogniser,
                "threshold": THRESHOLD,
                "far": "0.001",
                "farUpper95": "0.0012",
                "impostorPairs": 1000,
                "genuinePairs": 100,
                "trueAcceptRate": "0.9",
                "domain": "painted cells",
                "method": "invented for tests",
                **(calibration or {}),
            },
        },
        "defaults": {"steps": 4, "guidance": 2.5, "scheduler": "dpmsolver++", "negative": ""},
        "files": files,
        **parts,
    }
    (folder / "pack.json").write_text(json.dumps(document, indent=1))


# --- generator ---------------------------------------------------------------------------------------------------


def _write_generator(folder: Path, adapter: Path) -> None:
    import torch
    from diffusers import (
        AutoencoderTiny,
        DPMSolverMultistepScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(7)
    tokenizer = _tokenizer(folder.parent / "tokens")
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=32,
            projection_dim=32,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(16, 32, 32),
        layers_per_block=1,
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    vae = AutoencoderTiny(
        encoder_block_out_channels=(8,) * 3,
        decoder_block_out_channels=(8,) * 3,
        num_encoder_blocks=(0, 1, 1),
        num_decoder_blocks=(1, 1, 0),
        latent_channels=4,
        upsampling_scaling_factor=2,
        scaling_factor=1.0,
        force_upcast=False,
    )
    scheduler = DPMSolverMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
    )
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=text,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    _write_adapter(adapter, unet)


def _write_adapter(folder: Path, unet: Any) -> None:
    import torch
    from safetensors.torch import save_file

    cross, tokens = 32, 4
    tensors = {
        "image_proj.proj.0.weight": torch.randn(2 * EMBEDDING, EMBEDDING),
        "image_proj.proj.0.bias": torch.zeros(2 * EMBEDDING),
        "image_proj.proj.2.weight": torch.randn(tokens * cross, 2 * EMBEDDING) * 0.1,
        "image_proj.proj.2.bias": torch.zeros(tokens * cross),
        "image_proj.norm.weight": torch.ones(cross),
        "image_proj.norm.bias": torch.zeros(cross),
    }
    names = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for index, _ in enumerate(names):
        for part in ("to_k_ip", "to_v_ip"):
            tensors[f"ip_adapter.{2 * index + 1}.{part}.weight"] = torch.randn(32, cross) * 0.2
    folder.mkdir()
    save_file(tensors, folder / "ip-adapter-faceid.safetensors")


def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={word: index for index, word in enumerate(words)},
        merges=[],
        model_max_length=32,
        pad_token="<|endoftext|>",
    )


# --- faces -------------------------------------------------------------------------------------------------------


def write_faces(folder: Path, seed: int) -> None:
    """An insightface manifest-V2 folder: the painted-cell detector and a random recogniser of this seed."""
    folder.mkdir()
    (folder / "detector.onnx").write_bytes(_detector())
    (folder / "recogniser.onnx").write_bytes(_recogniser(seed))
    tasks = {}
    for task, name in (("detection", "detector.onnx"), ("recognition", "recogniser.onnx")):
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        tasks[task] = {"file": name, "sha256": digest}
    tasks["recognition"] |= {"input_size": [112, 112], "embedding_dimension": EMBEDDING}
    manifest = {"manifest_version": 2, "model_id": folder.name, "license": "MODEL.LICENSE", "tasks": tasks}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "MODEL.LICENSE").write_text("Apache-2.0, for tests\n")


def _detector() -> bytes:
    """SCRFD's nine outputs. A cell at stride 32 holds half its face's width in green, in units of 64 pixels."""
    from onnx import TensorProto, helper, numpy_helper

    eyes_nose_mouth = np.array([[-0.4, -0.3], [0.4, -0.3], [0.0, 0.1], [-0.3, 0.5], [0.3, 0.5]], np.float32)
    turn = np.zeros((5, 2), np.float32)
    turn[2, 0] = 2.0
    half = {"score": (1, np.float32), "bbox": (4, np.float32), "kps": (10, np.float32)}
    constants = {
        "scale": np.float32([128 / 255]),
        "offset": np.float32([0.5]),
        "two": np.float32([2.0]),
        "middle": np.float32([128 / 255]),
        "zero": np.float32([0.0]),
        "rows": np.int64([16, 3]),
        "starts": np.int64([0, 1, 2]),
        "landmarks": eyes_nose_mouth.reshape(1, 10),
        "turns": turn.reshape(1, 10),
        "boxes": np.ones((1, 4), np.float32),
        "as_score": np.int64([32, 1]),
        "as_bbox": np.int64([32, 4]),
        "as_kps": np.int64([32, 10]),
        "parts": np.int64([1, 1, 1]),
    }
    for stride, rows in ((8, 512), (16, 128)):
        for kind, (width, dtype) in half.items():
            constants[f"none_{kind}_{stride}"] = np.zeros((rows, width), dtype)
    node = helper.make_node
    nodes = [
        node("AveragePool", ["input.1"], ["pooled"], kernel_shape=[32, 32], strides=[32, 32]),
        node("Mul", ["pooled", "scale"], ["scaled"], name="values"),
        node("Add", ["scaled", "offset"], ["unit"]),
        node("Transpose", ["unit"], ["last"], perm=[0, 2, 3, 1]),
        node("Reshape", ["last", "rows"], ["cells"]),
        node("Split", ["cells", "parts"], ["score", "green", "blue"], axis=1),
        node("Mul", ["green", "two"], ["reach"], name="doubled"),
        node("Mul", ["reach", "boxes"], ["box"], name="boxed"),
        node("Sub", ["blue", "middle"], ["turned"], name="turned_by"),
        node("Mul", ["turned", "turns"], ["shift"], name="shifted"),
        node("Add", ["shift", "landmarks"], ["points"]),
        node("Mul", ["reach", "points"], ["placed"], name="placed_at"),
        node("ReduceMean", ["input.1"], ["mean"], keepdims=0, axes=[0, 1, 2, 3]),
        node("Mul", ["mean", "zero"], ["nothing"], name="nothing_of"),
    ]
    for kind, source in (("score", "score"), ("bbox", "box"), ("kps", "placed")):
        nodes += [
            node("Mul", [source, "zero"], [f"empty_{kind}"], name=f"empty_{kind}_of"),
            node("Concat", [source, f"empty_{kind}"], [f"both_{kind}"], axis=1),
            node("Reshape", [f"both_{kind}", f"as_{kind}"], [f"{kind}_32"]),
        ]
        nodes += [
            node("Add", [f"none_{kind}_{stride}", "nothing"], [f"{kind}_{stride}"], name=f"{kind}_{stride}_none")
            for stride in (8, 16)
        ]
    outputs = [
        helper.make_tensor_value_info(f"{kind}_{stride}", TensorProto.FLOAT, [rows, width])
        for kind, (width, _) in half.items()
        for stride, rows in ((8, 512), (16, 128), (32, 32))
    ]
    return _model(nodes, [1, 3, SIZE, SIZE], outputs, {k: numpy_helper.from_array(v, k) for k, v in constants.items()})


def _recogniser(seed: int) -> bytes:
    """A random projection of the crop's 8 x 8 colour thumbnail, its mean removed."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(192, EMBEDDING)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["small"], kernel_shape=[14, 14], strides=[14, 14]),
        helper.make_node("Flatten", ["small"], ["row"], axis=1),
        helper.make_node("ReduceMean", ["row"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["row", "mean"], ["centred"], name="centred_row"),
        helper.make_node("MatMul", ["centred", "weight"], ["embedding"]),
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", EMBEDDING])
    return _model(nodes, ["N", 3, 112, 112], [output], {"weight": numpy_helper.from_array(weight, "weight")})


def _model(nodes: list[Any], shape: list[Any], outputs: list[Any], constants: Mapping[str, Any]) -> bytes:
    from onnx import TensorProto, checker, helper

    source = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "for-tests", [source], outputs, list(constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return bytes(model.SerializeToString())
