"""Locking a model: what is in the lock, and every way in which a folder is refused."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from random_pack import index_pack

from personactl.errors import WeightsError
from personactl.generate import lock_model, pocket_folder


def refused(pack: Path, project: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        lock_model(str(pack), project=project)
    assert caught.value.exit_code == 8
    return caught.value


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_lock_names_every_file_that_makes_the_pixels_and_no_other(pack: Path, project: Path) -> None:
    lock, capabilities = lock_model(str(pack), project=project)
    folders = {file.path.split("/")[0] for file in lock.files}
    assert folders == {"generator", "ip-adapter", "conditioner", "pack.json"}
    assert lock.name == "pack", "only the built-in pack is called what its own pack.json says"
    assert (lock.license, lock.commercial) == ("Apache-2.0", True)
    assert len(lock.license_sha256) == 64
    assert lock.resolution == (128, 128)
    assert (lock.default_steps, lock.default_guidance, lock.default_scheduler) == (4, "2.5", "dpmsolver++")
    assert capabilities.modes == ("t2i",)
    assert capabilities.max_references == 4
    assert (capabilities.size_multiple, capabilities.min_size, capabilities.max_size) == (16, 64, 256)


def test_lock_is_the_same_wherever_the_folder_stands(pack: Path, project: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(pack, tmp_path / "elsewhere" / "pack")
    assert lock_model("pack", project=project)[0] == lock_model(str(elsewhere), project=project)[0]


def test_nobody_changes_the_calibration_or_the_licence_under_the_same_lock(pack: Path, project: Path) -> None:
    before = lock_model("pack", project=project)[0].sha256
    index = json.loads((pack / "pack.json").read_text())
    for change in (
        {"scorer": index["scorer"] | {"calibration": index["scorer"]["calibration"] | {"threshold": "0.1"}}},
        {"license": "MIT"},
    ):
        (pack / "pack.json").write_text(json.dumps(index | change))
        assert lock_model("pack", project=project)[0].sha256 != before


def test_the_built_in_pack_alone_goes_by_its_own_name(project: Path, tmp_path: Path) -> None:
    built_in = lock_model("pocket", project=project)[0]
    copy = shutil.copytree(pocket_folder(), tmp_path / "mine")
    edit(copy / "pack.json", version="9")
    assert built_in.name.startswith("pocket@")
    assert lock_model(str(copy), project=project)[0].name == "mine"


def test_lock_changes_with_one_byte_of_the_generator(pack: Path, project: Path) -> None:
    before = lock_model("pack", project=project)[0].sha256
    (pack / "generator" / "tokenizer" / "extra.txt").write_text("x")
    index_pack(pack)
    assert lock_model("pack", project=project)[0].sha256 != before


def test_missing_folder_says_what_to_do(project: Path) -> None:
    error = refused(Path("models/none"), project)
    assert error.code == "weights.missing"
    assert error.where == "models/none"
    assert "pocket" in str(error.hint)


def test_digest_mismatch_names_the_file(pack: Path, project: Path) -> None:
    weights = pack / "generator/unet/diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    error = refused(pack, project)
    assert error.code == "weights.digest-mismatch"
    assert error.where == "generator/unet/diffusion_pytorch_model.safetensors"


def test_unlisted_and_missing_files_are_named(pack: Path, project: Path) -> None:
    (pack / "generator" / "notes.txt").write_text("hello")
    error = refused(pack, project)
    assert (error.code, error.where) == ("weights.unlisted", "generator/notes.txt")
    (pack / "generator" / "notes.txt").unlink()
    (pack / "generator" / "vae" / "config.json").unlink()
    error = refused(pack, project)
    assert (error.code, error.where) == ("weights.incomplete", "generator/vae/config.json")


class Canary:
    """Unpickling this makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "name",
    [
        "diffusion_pytorch_model.bin",
        "model.ckpt",
        "model.PT",
        "weights.pkl",
        "flax_model.msgpack",
        "diffusion_pytorch_model.safetensors",
        "config.json",
        "notes.txt",
        "model.onnx",
    ],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_pickle_is_refused_under_any_name_and_never_run(
    pack: Path, project: Path, tmp_path: Path, name: str, protocol: int
) -> None:
    canary = tmp_path / "canary"
    (pack / "generator/unet" / name).write_bytes(pickle.dumps(Canary(canary), protocol=protocol))
    index_pack(pack)
    error = refused(pack, project)
    assert (error.code, error.where) == ("weights.pickle", f"generator/unet/{name}")
    assert not canary.exists()


def test_old_pickle_without_magic_is_no_sound_safetensors(pack: Path, project: Path, tmp_path: Path) -> None:
    weights = pack / "generator/unet/diffusion_pytorch_model.safetensors"
    weights.write_bytes(pickle.dumps(Canary(tmp_path / "canary"), protocol=0))
    index_pack(pack)
    assert refused(pack, project).code == "weights.safetensors-invalid"
    assert not (tmp_path / "canary").exists()


def test_torch_archive_is_refused_by_its_magic(pack: Path, project: Path) -> None:
    (pack / "generator/unet/diffusion_pytorch_model.safetensors").write_bytes(b"PK\x03\x04" + bytes(64))
    index_pack(pack)
    assert refused(pack, project).code == "weights.pickle"


@pytest.mark.parametrize("name", ["pipeline.py", "unet/modeling.pyc", "native.so", "__pycache__/x.txt"])
def test_code_is_refused_even_when_listed(pack: Path, project: Path, name: str) -> None:
    path = pack / "generator" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("raise SystemExit")
    index_pack(pack)
    error = refused(pack, project)
    assert (error.code, error.where) == ("weights.code", f"generator/{name}")


@pytest.mark.parametrize(
    "changes",
    [
        {"auto_map": {"AutoModel": "modeling.Model"}},
        {"nested": [{"deep": {"trust_remote_code": True}}]},
        {"_attn_implementation_internal": "someone/kernel"},
        {"attn_implementation": "someone/kernel"},
        {"_class_name": ["my_pipeline", "MyPipeline"]},
        {"custom_pipelines": {}},
    ],
)
def test_configuration_that_names_code_is_refused(pack: Path, project: Path, changes: dict[str, Any]) -> None:
    edit(pack / "generator/text_encoder/config.json", **changes)
    index_pack(pack)
    error = refused(pack, project)
    assert (error.code, error.where) == ("weights.code", "generator/text_encoder/config.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"unet": ["my_unet", "MyUNet"]},
        {"unet": ["diffusers", "FluxTransformer2DModel"]},
        {"scheduler": ["somewhere", "DDIMScheduler"]},
        {"planner": ["diffusers", "AutoencoderKL"]},
        {"text_encoder": ["transformers", "CLIPTextModel", "x"]},
    ],
)
def test_components_outside_the_family_are_refused(pack: Path, project: Path, changes: dict[str, Any]) -> None:
    edit(pack / "generator/model_index.json", **changes)
    index_pack(pack)
    error = refused(pack, project)
    assert (error.code, error.where) == ("weights.code", "generator/model_index.json")


def test_unknown_pipeline_class_is_refused(pack: Path, project: Path) -> None:
    edit(pack / "generator/model_index.json", _class_name="MyPipeline")
    index_pack(pack)
    error = refused(pack, project)
    assert error.code == "weights.unknown-family"
    assert "StableDiffusionPipeline" in str(error.hint)


@pytest.mark.parametrize("place", ["file", "folder", "root", "parent"])
def test_symbolic_links_are_refused(pack: Path, project: Path, tmp_path: Path, place: str) -> None:
    given = pack
    if place == "file":
        (pack / "linked.txt").symlink_to("/etc/hostname")
    elif place == "folder":
        (pack / "linked").symlink_to(tmp_path)
    elif place == "root":
        given = project / "linked"
        given.symlink_to(pack)
    else:
        (project / "models").symlink_to(project)
        given = project / "models" / "pack"
    assert refused(given, project).code == "weights.symlink"


def test_device_files_and_pipes_are_refused(pack: Path, project: Path) -> None:
    os.mkfifo(pack / "pipe.txt")
    assert refused(pack, project).code == "weights.not-a-file"


def test_oversized_and_broken_json_are_refused(pack: Path, project: Path) -> None:
    config = pack / "generator/unet/config.json"
    original = config.read_text()
    for text, code in (
        (json.dumps({"a": "x" * (1 << 20)}), "weights.config-too-big"),
        ("[" * 100_000, "weights.config-invalid"),
        ('{"a": 1, "a": 2}', "weights.config-invalid"),
        (original[:-5], "weights.config-invalid"),
    ):
        config.write_text(text)
        index_pack(pack)
        assert refused(pack, project).code == code


@pytest.mark.parametrize(
    "trouble", ["length", "json", "overlap", "hole", "tail", "dtype", "negative", "large", "long", "text"]
)
def test_unsound_safetensors_headers_are_refused(pack: Path, project: Path, trouble: str) -> None:
    entry: dict[str, Any] = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header: dict[str, Any] = {"a": entry, "b": {**entry, "data_offsets": [8, 16]}}
    size = 16
    if trouble == "overlap":
        header["b"]["data_offsets"] = [4, 12]
    elif trouble == "hole":
        header["b"]["data_offsets"] = [12, 20]
        size = 20
    elif trouble == "tail":
        size = 24
    elif trouble == "dtype":
        header["a"]["dtype"] = "PICKLE"
    elif trouble == "negative":
        header["a"]["shape"] = [-1, -2]
    elif trouble == "large":
        header["a"]["shape"] = [2, 1, 1 << 40, 0]
        header["a"]["data_offsets"] = header["b"]["data_offsets"] = [0, 0]
        header["b"]["shape"] = [0]
        size = 0
    elif trouble == "long":
        header["a"]["shape"] = [2] + [1] * 8
    elif trouble == "text":
        header["a"]["shape"] = "2"
    text = b"{broken" if trouble == "json" else json.dumps(header).encode()
    length = 1 << 60 if trouble == "length" else len(text)
    path = pack / "generator/vae/diffusion_pytorch_model.safetensors"
    path.write_bytes(struct.pack("<Q", length) + text + bytes(size))
    index_pack(pack)
    error = refused(pack, project)
    assert (error.code, error.where) == (
        "weights.safetensors-invalid",
        "generator/vae/diffusion_pytorch_model.safetensors",
    )


@pytest.mark.timeout(20)
def test_shapes_are_bounded_before_they_are_multiplied(pack: Path, project: Path) -> None:
    shape = ",".join(["9" * 4000] * 1500)
    text = f'{{"a": {{"dtype": "F32", "shape": [{shape}], "data_offsets": [0, 8]}}}}'.encode()
    path = pack / "generator/vae/diffusion_pytorch_model.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    index_pack(pack)
    assert refused(pack, project).code == "weights.safetensors-invalid"


def test_kinds_that_nobody_reads_are_refused(pack: Path, project: Path) -> None:
    (pack / "generator" / "setup.exe").write_bytes(b"MZ")
    index_pack(pack)
    assert refused(pack, project).code == "weights.unknown-kind"


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "personactl.pocket/2"},
        {"resolution": [128]},
        {"resolution": [True, 128]},
        {"generator": "../outside"},
        {"defaults": {"steps": 0, "guidance": 1, "scheduler": "ddim"}},
        {"defaults": {"steps": 4, "guidance": "NaN", "scheduler": "ddim"}},
        {"defaults": {"steps": 4, "guidance": "1e999999", "scheduler": "ddim"}},
        {"files": {"a.txt": {"sha256": "", "size": float("inf")}}},
        {"files": {"a.txt": {"sha256": "", "size": 1.0}}},
        {"files": {"a.txt": {"sha256": 1, "size": 1}}},
        {"files": []},
        {"license": ""},
    ],
)
def test_pack_index_is_checked(pack: Path, project: Path, changes: dict[str, Any]) -> None:
    edit(pack / "pack.json", **changes)
    assert refused(pack, project).code == "weights.pack-invalid"


def test_folder_without_index_works_and_reads_its_licence_from_the_card(pack: Path, project: Path) -> None:
    plain = shutil.copytree(pack / "generator", project / "plain")
    (plain / "README.md").write_text("---\nlicense: cc-by-nc-4.0\ntags: [x]\n---\n# A model\n")
    lock, capabilities = lock_model("plain", project=project)
    assert (lock.name, lock.license, lock.commercial) == ("plain", "cc-by-nc-4.0", False)
    assert lock.resolution == (128, 128)
    assert lock.default_scheduler == "dpmsolver++"
    assert capabilities.max_references == 0
    (plain / "README.md").unlink()
    lock, _ = lock_model("plain", project=project)
    assert (lock.license, lock.license_sha256, lock.commercial) == ("unknown", "", None)


def test_adapter_beside_a_plain_pipeline_is_found(pack: Path, project: Path) -> None:
    plain = shutil.copytree(pack / "generator", project / "plain")
    shutil.copytree(pack / "ip-adapter", plain / "ip-adapter")
    assert lock_model("plain", project=project)[1].max_references == 0  # nobody to make its embeddings
    shutil.copytree(pack / "conditioner", plain / "conditioner")
    assert lock_model("plain", project=project)[1].max_references == 4


def test_adapter_of_width_zero_is_refused(pack: Path, project: Path) -> None:
    plain = shutil.copytree(pack / "generator", project / "plain")
    shutil.copytree(pack / "conditioner", plain / "conditioner")
    (plain / "ip-adapter").mkdir()
    empty = {"dtype": "F32", "data_offsets": [0, 0]}
    header = {
        "image_proj.proj.2.weight": {**empty, "shape": [4, 0]},
        "image_proj.norm.weight": {**empty, "shape": [0]},
        "image_proj.proj.0.weight": {**empty, "shape": [0, 128]},
    }
    text = json.dumps(header).encode()
    (plain / "ip-adapter" / "a.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    error = refused(Path("plain"), project)
    assert (error.code, error.where) == ("weights.incomplete", "ip-adapter/a.safetensors")


def test_absurd_number_of_levels_is_refused(pack: Path, project: Path) -> None:
    edit(pack / "generator/vae/config.json", block_out_channels=[8] * 10_000)
    index_pack(pack)
    assert refused(pack, project).code == "weights.config-invalid"


@pytest.mark.parametrize("key", ["name", "version", "license"])
@pytest.mark.parametrize("value", ["../../../etc", "\x1b[31mMIT\u202e", "", "x" * 300, "a/b", 5])
def test_a_pack_is_called_by_plain_short_words(pack: Path, project: Path, key: str, value: object) -> None:
    edit(pack / "pack.json", **{key: value})
    assert refused(pack, project).code == "weights.pack-invalid"


@pytest.mark.parametrize(
    "figures",
    [
        {"threshold": "-1"},
        {"threshold": "1"},
        {"far": "-0.1"},
        {"far": "0.5", "farUpper95": "0.4"},
        {"threshold": "0.1", "impostorMean": "0.2"},
    ],
)
def test_a_calibration_that_no_measurement_gives_is_refused(pack: Path, project: Path, figures: dict[str, str]) -> None:
    index_pack(pack, calibration=figures)
    assert refused(pack, project).code == "weights.pack-invalid"


@pytest.mark.parametrize("text", ["[]", "null", "5", '"pack"'])
def test_a_pack_that_is_no_object_is_refused_in_words(pack: Path, project: Path, text: str) -> None:
    (pack / "pack.json").write_text(text)
    error = refused(pack, project)
    assert (error.code, error.message) == (
        "weights.pack-invalid",
        "pack.json cannot be used: the document is not a JSON object",
    )
