"""The TrustMark adapter: it refuses, it loads what the operator has and nothing else, and it fetches nothing.

Two kinds of test. Those with `stand_in` put a stub of the package's classes on the path, which can only show what OUR
subclass does: loading and refusing. Those with `package` need the [trustmark] extra and are skipped without it: they
run the package's error correction and networks, with weights drawn by chance, since its real ones cannot be shipped.
"""

from __future__ import annotations

import hashlib
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from signed_pictures import picture

from personactl.disclose import watermark, watermarkers
from personactl.disclose.trustmark import FILES, TrustMarkWatermarker, _Decoder, open_trustmark
from personactl.errors import EnvironmentProblem, ExtraMissing, PersonactlError, WeightsError
from personactl.model import OutputSpec

PAYLOAD = bytes.fromhex("0123456789abcdef")
STUB = Path(__file__).with_name("trustmark_stub")
TENSORS = {"encoder": ("encoder.strength", "encoder.pre.weight", "encoder.pre.bias"), "decoder": ("decoder.scale",)}


def forget() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "trustmark"]:
        del sys.modules[name]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stub on the path; the network and torch.load end the test."""
    import torch

    def never(*_arguments: object, **_named: object) -> None:
        raise AssertionError("nothing may be fetched and nothing unpickled")

    forget()
    monkeypatch.syspath_prepend(str(STUB))
    for name in ("urlretrieve", "urlopen"):
        monkeypatch.setattr(urllib.request, name, never)
    monkeypatch.setattr(torch, "load", never)
    yield
    forget()


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without the extra, whatever this one has."""
    forget()
    monkeypatch.setitem(sys.modules, "trustmark", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Weights for the stub's networks."""
    import torch
    from safetensors.torch import save_file

    place = tmp_path / "trustmark"
    place.mkdir()
    encoder = {"encoder.strength": torch.ones(1), "encoder.pre.weight": torch.eye(2), "encoder.pre.bias": torch.ones(2)}
    save_file({**encoder, "fixed_input": torch.ones(1)}, place / FILES["encoder"])
    save_file({"decoder.scale": torch.ones(1)}, place / FILES["decoder"])
    return place


def refused(place: Path, kind: type[PersonactlError]) -> PersonactlError:
    with pytest.raises(kind) as caught:
        open_trustmark(place)
    assert caught.value.exit_code == 8
    return caught.value


def test_without_the_extra_the_install_line_is_given(no_package: None, folder: Path) -> None:
    found = refused(folder, ExtraMissing)
    assert found.code == "extra.missing"
    assert found.hint == "pip install 'personactl[trustmark]'"


def test_a_package_of_another_kind_is_refused(stand_in: None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import trustmark

    monkeypatch.setattr(trustmark.TrustMark, "schemaCapacity", lambda _self: 61)
    assert refused(folder, EnvironmentProblem).code == "environment.broken-library"


def test_a_missing_folder_is_named(stand_in: None, tmp_path: Path) -> None:
    found = refused(tmp_path / "nowhere", WeightsError)
    assert (found.code, found.where) == ("watermark.no-weights", str(tmp_path / "nowhere"))


@pytest.mark.parametrize("part", sorted(FILES))
def test_a_missing_file_is_named(stand_in: None, folder: Path, part: str) -> None:
    (folder / FILES[part]).unlink()
    found = refused(folder, WeightsError)
    assert (found.code, found.where) == ("watermark.no-weights", str(folder / FILES[part]))


@pytest.mark.parametrize("name", [name for names in TENSORS.values() for name in names])
def test_a_missing_tensor_is_named_and_not_drawn_by_chance(stand_in: None, folder: Path, name: str) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / FILES[name.split(".")[0]]
    rest = {key: value for key, value in load_file(path).items() if key != name}
    rest["other"] = rest.get("fixed_input", next(iter(load_file(path).values()))).clone()
    save_file(rest, path)
    found = refused(folder, WeightsError)
    assert found.code == "watermark.no-weights"
    assert name in found.message


def test_tensors_of_another_variant_are_refused(stand_in: None, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"decoder.scale": torch.ones(2)}, folder / FILES["decoder"])
    assert "not of variant Q" in refused(folder, WeightsError).message


@pytest.mark.parametrize("name", ["decoder_Q.ckpt", "decoder_Q.safetensors"])
def test_a_pickle_is_refused_whatever_its_name(stand_in: None, folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"PK\x03\x04" + bytes(100))
    assert refused(folder, WeightsError).code == "weights.pickle"


def test_the_weights_are_loaded_and_nothing_is_fetched_or_unpickled(stand_in: None, folder: Path) -> None:
    found = open_trustmark(folder)
    marked = found.embed(picture(128, 128), PAYLOAD)
    assert (marked.shape, marked.dtype) == ((128, 128, 3), np.uint8)
    assert found.extract(marked) == watermark.Extraction(payload=PAYLOAD, score=1.0, present=True)
    assert not found.extract(np.full((128, 128, 3), 255, dtype=np.uint8)).present
    assert watermark.scheme(found) == "trustmark/Q"
    for file, name in zip(found.weights, sorted(FILES.values()), strict=True):
        assert (file.path, file.sha256) == (name, hashlib.sha256((folder / name).read_bytes()).hexdigest())
    with pytest.raises(RuntimeError, match="nothing is fetched"):
        found.model.check_and_download("/package/models/decoder_Q.ckpt")


def test_what_cannot_be_marked_is_a_value_error(stand_in: None, folder: Path) -> None:
    found = open_trustmark(folder)
    with pytest.raises(ValueError, match="8 bytes"):
        found.embed(picture(128, 128), b"short")
    with pytest.raises(ValueError, match="too small"):
        found.embed(picture(32, 128), PAYLOAD)


def test_the_plan_chooses_the_scheme(stand_in: None, folder: Path) -> None:
    assert watermarkers.open_watermarker(OutputSpec(), folder) is watermark.DEFAULT
    chosen = watermarkers.open_watermarker(OutputSpec(watermarker="trustmark"), folder)
    assert isinstance(chosen, TrustMarkWatermarker)


def test_a_project_without_a_folder_is_told_where_to_name_one() -> None:
    with pytest.raises(WeightsError) as caught:
        watermarkers.open_watermarker(OutputSpec(watermarker="trustmark"), None)
    assert (caught.value.code, caught.value.exit_code) == ("watermark.no-weights", 8)
    assert "[watermark]" in caught.value.hint


# --- with the package itself --------------------------------------------------------------------------------------


@pytest.fixture
def package() -> Any:
    reason = "the [trustmark] extra is not installed"
    return pytest.importorskip("trustmark", reason=reason)


class Bits:
    """A network that says these bits, in place of one that reads them in a picture."""

    def __init__(self, bits: np.ndarray[Any, Any]) -> None:
        self.bits = bits

    def __call__(self, _picture: object) -> Any:
        import torch

        return torch.from_numpy(2 * self.bits - 1)[None]


@pytest.fixture
def drawn(package: Any, tmp_path: Path) -> TrustMarkWatermarker:
    """The package's networks with weights drawn by chance, through the loading that real ones take."""
    import trustmark.unet
    from safetensors.torch import save_file

    from personactl.disclose import trustmark as ours

    networks = {
        "encoder": trustmark.unet.Unet1(**ours._ENCODER),
        "decoder": trustmark.unet.SecretDecoder(**ours._DECODER),
    }
    for part, network in networks.items():
        save_file({f"{part}.{name}": value for name, value in network.state_dict().items()}, tmp_path / FILES[part])
    return open_trustmark(tmp_path)


def test_64_bits_pass_through_the_packages_code_and_four_errors_are_corrected(drawn: TrustMarkWatermarker) -> None:
    random = np.random.default_rng(1)
    for flips in (0, 1, 2, 3, 4):
        payload = random.bytes(8)
        bits = drawn.model.ecc.encode_binary(["".join(f"{byte:08b}" for byte in payload) + "0000"])[0]
        places = random.choice(96, flips, replace=False)
        bits[places] = 1 - bits[places]
        drawn.model.decoder = _Decoder(Bits(bits))
        found = drawn.extract(picture(128, 128))
        assert (found.payload, found.present) == (payload, True)
        assert found.score == pytest.approx(1 - flips / 100)


def test_bits_of_another_code_or_with_spare_bits_set_are_no_mark(drawn: TrustMarkWatermarker) -> None:
    from trustmark.datalayer import DataLayer

    other = DataLayer(100, verbose=False, encoding_mode=1).encode_binary(["01" * 30 + "0"])[0]
    spare = drawn.model.ecc.encode_binary(["01" * 32 + "1111"])[0]
    for bits in (other, spare):
        drawn.model.decoder = _Decoder(Bits(bits))
        assert drawn.extract(picture(128, 128)) == watermark.Extraction(payload=bytes(8), score=0.0, present=False)


def test_the_packages_networks_run_on_pictures_of_any_shape(drawn: TrustMarkWatermarker) -> None:
    for height, width in ((64, 64), (128, 200), (300, 100)):
        marked = drawn.embed(picture(height, width), PAYLOAD)
        assert (marked.shape, marked.dtype) == ((height, width, 3), np.uint8)
        drawn.extract(marked)
