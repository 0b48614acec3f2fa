"""The plan as a file: the same again after reading, and refused after any edit."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from spring_campaign import MODEL, PERSONA, SCORER, TEXT

from personactl import plan, policy
from personactl.errors import EXIT_CONFLICT, ConflictError, UsageProblem
from personactl.model import FileDigest, Plan
from personactl.plan.codec import ADDED, Mismatch, decode, encode

Make = Callable[..., Plan]
PROJECT = Path("/srv/project")


def written(found: Plan) -> bytes:
    return json.dumps(plan.to_json(found), indent=1).encode()


def rich(make: Make) -> Plan:
    """A plan with every member filled: files, findings, a size and several policies."""
    files = (FileDigest(path="unet/model.safetensors", sha256="a" * 64, size=2**40),)
    return make(
        policies=policy.load_all(["eu-ai-act-art50"]),
        model=replace(MODEL, files=files, commercial=None),
        persona=replace(PERSONA, frozen=False),
    )


def test_a_plan_survives_writing_and_reading(make: Make) -> None:
    for found in (make(), rich(make)):
        assert plan.from_json(written(found), project=PROJECT) == found


def test_the_file_does_not_say_where_this_machine_keeps_things(make: Make) -> None:
    text = written(make()).decode()
    assert "/srv" not in text
    assert "personas/lira/2/refs/hero.png" in text
    assert plan.from_json(text.encode()).shots[0].references[0].path == "personas/lira/2/refs/hero.png"


def test_the_document_has_a_schema_and_no_wide_numbers(make: Make) -> None:
    document = json.loads(written(rich(make)))
    assert document["schema"] == "personactl.plan/1"
    assert document["shots"][2]["baseSeed"].isdigit()
    assert all(abs(number) < 2**53 for number in numbers(document))


def numbers(value: Any) -> Iterator[int]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from numbers(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        assert isinstance(value, int), "canonical JSON has no floats"
        yield value


def test_the_digest_is_that_of_the_document_without_places_and_findings(make: Make) -> None:
    found = rich(make)
    document = plan.to_json(found)
    for name in ("sha256", "runId", "manifestPath", "findings"):
        del document[name]
    for shot in document["shots"]:
        for reference in shot["references"]:
            del reference["path"]
    data = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.run_id == f"spring-{found.sha256[:8]}"


def test_the_same_work_elsewhere_is_the_same_run(make: Make) -> None:
    assert make(persona=replace(PERSONA, folder="/home/x/personas/lira/2")).sha256 == make().sha256


def test_an_edited_manifest_is_another_run(make: Make) -> None:
    assert make(TEXT + "# note\n").run_id != make().run_id


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, step))
    else:
        yield path


def put(document: Any, path: tuple[str | int, ...], value: Any) -> bytes:
    copied = copy.deepcopy(document)
    table = copied
    for step in path[:-1]:
        table = table[step]
    table[path[-1]] = value
    return json.dumps(copied).encode()


def test_any_edit_of_what_counts_is_refused(make: Make) -> None:
    document = plan.to_json(rich(make))
    edited = 0
    for path in leaves(document):
        if path[0] in ("findings", "manifestPath"):
            continue
        value: Any = document
        for step in path:
            value = value[step]
        other = {True: False, False: True, None: True}.get(value) if value is None or isinstance(value, bool) else (
            value + 1 if isinstance(value, int) else value + "0"
        )  # fmt: skip
        try:
            read = plan.from_json(put(document, path, other))
        except UsageProblem as error:
            assert error.code in ("plan.invalid", "plan.altered"), path
            edited += 1
        else:
            # Only the name of a reference's file may differ: its digest stands beside it.
            assert path[-1] == "path", path
            assert read.sha256 == document["sha256"]
    assert edited > 100


OUTSIDE = [
    "/etc/passwd",
    "../x",
    "personas/lira/2/../../../x",
    "personas/lira/2/",
    "personas/mara/2/x",
    "personas/lira/2/a//b",
    "personas/lira/2/a\0b",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_references_stay_in_the_personas_folder(make: Make, path: str) -> None:
    document = plan.to_json(make())
    with pytest.raises(UsageProblem) as caught:
        plan.from_json(put(document, ("shots", 0, "references", 0, "path"), path), project=PROJECT)
    assert caught.value.code == "plan.invalid"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "personactl.plan/2"),
        (("extra",), 1),
        (("shots",), {}),
        (("shots",), [1]),
        (("shots", 0, "width"), "128"),
        (("shots", 0, "width"), True),
        (("shots", 0, "width"), 128.0),
        (("shots", 0, "baseSeed"), 1234),
        (("shots", 0, "baseSeed"), "-1"),
        (("shots", 0, "baseSeed"), "0x4d2"),
        (("shots", 0, "baseSeed"), str(2**63)),
        (("output", "format"), "gif"),
        (("output", "size"), [128]),
        (("campaign", "role"), True),
        (("model", "commercial"), "yes"),
        (("gate",), None),
    ],
)
def test_what_is_no_plan_is_refused(make: Make, path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(UsageProblem) as caught:
        plan.from_json(put(plan.to_json(make()), path, value))
    assert (caught.value.code, caught.value.exit_code) == ("plan.invalid", 2)


NO_PLANS = [b"", b"{}", b"[]", b"null", b"{", b"\xff", b"[" * 10_000, b'{"schema": 1, "schema": 2}']


@pytest.mark.parametrize("data", NO_PLANS, ids=lambda data: str(data[:12]))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(UsageProblem) as caught:
        plan.from_json(data)
    assert caught.value.code == "plan.invalid"


def test_a_missing_member_is_refused(make: Make) -> None:
    document = plan.to_json(make())
    for name in set(document) - {"findings"}:
        with pytest.raises(UsageProblem):
            plan.from_json(json.dumps({key: value for key, value in document.items() if key != name}).encode())


def test_a_member_with_a_default_may_be_absent(make: Make) -> None:
    """So that a plan of this version stays readable when later versions add members. The digest still decides."""
    document = plan.to_json(make())
    assert document["output"].pop("watermark") is True
    assert plan.from_json(json.dumps(document).encode(), project=PROJECT) == make()
    document = plan.to_json(make(TEXT.replace("[output]\n", "[output]\nwatermark = false\n")))
    del document["output"]["watermark"]
    with pytest.raises(UsageProblem) as caught:
        plan.from_json(json.dumps(document).encode(), project=PROJECT)
    assert caught.value.code == "plan.altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A type of version 1 to which a later version added a member."""

    width: int
    upscale_factor: int = field(default=1, metadata=ADDED)


def test_an_added_member_is_not_written_while_it_has_its_default() -> None:
    assert encode(Later(width=128)) == {"width": 128}
    assert encode(Later(width=128, upscale_factor=2)) == {"width": 128, "upscaleFactor": 2}
    for value in (Later(width=128), Later(width=128, upscale_factor=2)):
        assert decode(Later, encode(value)) == value
    with pytest.raises(Mismatch, match="width"):
        decode(Later, {"upscaleFactor": 2})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model": replace(MODEL, sha256="9" * 64)}, "model"),
        ({"scorer": replace(SCORER, threshold="0.5")}, "scorer"),
        ({"persona": replace(PERSONA, record_sha256="9" * 64)}, "persona"),
        ({"policies": policy.load_all(["us-ny-gbl-396b"])}, "policies"),
        ({"text": TEXT + "# note\n"}, "manifest"),
    ],
)
def test_a_stale_plan_says_what_changed(make: Make, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConflictError, match=named) as caught:
        plan.require_current(make(), make(**changes))
    assert (caught.value.code, caught.value.exit_code) == ("plan.stale", EXIT_CONFLICT)
    plan.require_current(make(), make())


def test_ten_thousand_shots_are_planned_and_read(make: Make) -> None:
    found = make(TEXT.replace("count = 2", "count = 9999"))
    assert len(found.shots) == 10_000
    assert len({shot.job_key for shot in found.shots}) == 10_000
    assert len({plan.attempt_seed(shot, attempt) for shot in found.shots for attempt in (0, 1)}) == 20_000
    assert plan.from_json(written(found), project=PROJECT) == found


@pytest.mark.parametrize("change", [{"steps": 21}, {"prompt": "x"}, {"job_key": "0" * 64}, {"base_seed": 7}])
def test_an_edit_that_also_mends_digest_and_run_is_refused(make: Make, change: dict[str, Any]) -> None:
    found = make()
    forged = replace(found, shots=(*found.shots[:2], replace(found.shots[2], **change)))
    sha256 = plan.plan_digest(forged)
    forged = replace(forged, sha256=sha256, run_id=plan.run_id("spring", sha256))
    with pytest.raises(UsageProblem) as caught:
        plan.from_json(written(forged))
    assert caught.value.code == "plan.altered"
