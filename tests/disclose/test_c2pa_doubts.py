"""What a hard binding may leave out: what its format must, and nothing that anybody sees."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import c2pa
import pytest
from signed_pictures import delivered

from personactl.disclose import formats
from personactl.disclose.c2pa_doubts import doubted

Report = dict[str, Any]


def reports(form: str) -> tuple[Report, Report, list[tuple[int, int]]]:
    """The short and the long report of the library on a delivered file, and what its format must leave out."""
    data = delivered(form)
    row = formats.named(form)
    with c2pa.Reader(row.media_type, io.BytesIO(data)) as reader:
        return json.loads(reader.json()), json.loads(reader.detailed_json()), row.parts(data).unhashed


def exclusions(detailed: Report) -> list[Any]:
    store = detailed["manifests"][detailed["active_manifest"]]["assertion_store"]
    (binding,) = [data for label, data in store.items() if label.startswith("c2pa.hash.")]
    found: list[Any] = binding["exclusions"]
    return found


@pytest.mark.parametrize("form", ["avif", "tiff"])
def test_what_the_library_itself_leaves_out_of_a_delivered_file_is_no_fault(form: str) -> None:
    report, detailed, unhashed = reports(form)
    assert any("additionalExclusions" in item["code"] for item in informational(report))
    assert (
        doubted(report, unhashed=unhashed, detailed=lambda: detailed)["validation_state"] == report["validation_state"]
    )


@pytest.mark.parametrize(
    ("form", "more"),
    [
        ("avif", {"xpath": "/mdat"}),
        ("avif", {"xpath": "/meta"}),
        ("avif", {"xpath": "/free", "length": 10}),
        ("avif", {"xpath": "/uuid"}),
        ("tiff", {"start": 8, "length": 16}),
        ("avif", {"start": 8, "length": 16}),
    ],
)
def test_a_binding_that_leaves_out_the_picture_is_broken(form: str, more: Report) -> None:
    report, detailed, unhashed = reports(form)
    wider = copy.deepcopy(detailed)
    exclusions(wider).append(more)
    assert doubted(report, unhashed=unhashed, detailed=lambda: wider)["validation_state"] == "Invalid"


def test_a_binding_that_leaves_out_something_else_than_the_store_is_broken() -> None:
    report, detailed, unhashed = reports("tiff")
    moved = copy.deepcopy(detailed)
    exclusions(moved)[0]["start"] += 4
    assert doubted(report, unhashed=unhashed, detailed=lambda: moved)["validation_state"] == "Invalid"


def test_two_bindings_are_no_binding() -> None:
    report, detailed, unhashed = reports("tiff")
    twice = copy.deepcopy(detailed)
    store = twice["manifests"][twice["active_manifest"]]["assertion_store"]
    store["c2pa.hash.data__1"] = store["c2pa.hash.data"]
    assert doubted(report, unhashed=unhashed, detailed=lambda: twice)["validation_state"] == "Invalid"


def test_a_box_hash_that_leaves_boxes_out_is_no_binding() -> None:
    """The picture itself can be one of the boxes that it excludes (C2PA 2.4, "General box hash")."""
    report, detailed, unhashed = reports("png")
    informational(report).append({"code": "assertion.boxesHash.additionalExclusionsPresent", "url": "x"})
    store = detailed["manifests"][detailed["active_manifest"]]["assertion_store"]
    del store["c2pa.hash.data"]
    store["c2pa.hash.boxes"] = {"alg": "sha256", "boxes": [{"names": ["IDAT"], "excluded": True, "hash": ""}]}
    assert doubted(report, unhashed=unhashed, detailed=lambda: detailed)["validation_state"] == "Invalid"


def informational(report: Report) -> list[Report]:
    found: list[Report] = report["validation_results"]["activeManifest"].setdefault("informational", [])
    return found
