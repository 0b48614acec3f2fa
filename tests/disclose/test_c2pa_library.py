"""Reading below c2pa-python: the same reports, the same errors, and nothing left behind."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import c2pa as wrapper
import numpy as np
import pytest

from personactl import keys
from personactl.disclose import c2pa, c2pa_library, c2pa_manifest, exif, jpeg, png, webp, xmp

NOW = "2026-11-21T08:00:00Z"
ENCODERS = {"image/png": png.encode, "image/jpeg": jpeg.encode, "image/webp": webp.encode}


def plain(media_type: str, side: int = 192) -> bytes:
    rgb = np.random.default_rng(5).integers(0, 255, (side, side, 3), dtype=np.uint8)
    packet = xmp.build({xmp.DIGITAL_SOURCE_TYPE: c2pa_manifest.TRAINED_ALGORITHMIC_MEDIA})
    return ENCODERS[media_type](rgb, xmp=packet, exif=exif.build(software="t", description="t", created_at=NOW))


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> c2pa.C2paSigner:
    folder = tmp_path_factory.mktemp("keys")
    keys.create_development(folder, organisation="Example", domain="example.org", now=NOW)
    return c2pa.C2paSigner(keys.load(folder).c2pa)


def signed(signer: c2pa.C2paSigner, media_type: str) -> bytes:
    created = {"action": "c2pa.created", "digitalSourceType": c2pa_manifest.TRAINED_ALGORITHMIC_MEDIA}
    definition = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}, "created": True}],
    }
    return signer.sign(definition, media_type, plain(media_type)).data


@pytest.mark.parametrize("media_type", ENCODERS)
def test_the_reports_are_those_of_the_wrapper(signer: c2pa.C2paSigner, media_type: str) -> None:
    content = signed(signer, media_type)
    context = c2pa._context(signer.anchors)
    with c2pa_library.reader(content, media_type, context) as below:
        ours = json.loads(below.json()), json.loads(below.detailed_json())
    with wrapper.Reader(media_type, io.BytesIO(content), context=context) as above:
        assert ours == (json.loads(above.json()), json.loads(above.detailed_json()))
    assert ours[0]["validation_state"] == "Trusted"


@pytest.mark.parametrize("cut", [0, 1, 40, 200])
def test_the_errors_are_those_of_the_wrapper_whatever_was_read_before(signer: c2pa.C2paSigner, cut: int) -> None:
    context = c2pa._context(())
    content = plain("image/png")[:-cut] if cut else plain("image/png")
    for data in (signed(signer, "image/png")[:5000], content):
        with pytest.raises(wrapper.C2paError) as above:
            wrapper.Reader("image/png", io.BytesIO(data), context=context)
        with pytest.raises(c2pa_library.LibraryError) as below, c2pa_library.reader(data, "image/png", context):
            pass
        assert str(below.value) == str(above.value)


def test_several_threads_read_at_once_and_nothing_stays_open(signer: c2pa.C2paSigner) -> None:
    context = c2pa._context(signer.anchors)
    files = [(kind, signed(signer, kind)) for kind in ENCODERS] * 4

    def report(file: tuple[str, bytes]) -> str:
        with c2pa_library.reader(file[1], file[0], context) as below:
            return below.json()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(report, files)) == [report(file) for file in files]
    assert not c2pa_library._open


def test_reading_many_files_takes_no_more_memory(signer: c2pa.C2paSigner) -> None:
    content, context = signed(signer, "image/png"), c2pa._context(signer.anchors)

    def resident() -> int:
        fields = Path("/proc/self/statm").read_text().split()
        return int(fields[1]) * 4096

    def read(count: int) -> None:
        for _ in range(count):
            with c2pa_library.reader(content, "image/png", context) as below:
                below.json()

    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux to tell its memory")
    read(50)
    before = resident()
    read(300)
    assert resident() - before < 4 << 20  # each reader left behind would be 100 kB
