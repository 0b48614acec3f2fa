"""The identity of work: frozen vectors, computed here again with hashlib and json alone.

A change of any value below makes finished work of existing projects new. Only a new format version may do that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from spring_campaign import CAPABILITIES, MODEL, PERSONA, SCORER, TEXT

from personactl import plan, policy
from personactl.model import Plan, Reference, Shot

Make = Callable[..., Plan]

SHOT_DOCUMENT: dict[str, Any] = {
    "schema": "personactl.shot-key/1",
    "nonce": "a" * 64,
    "model": {"backend": "diffusers", "sha256": "2" * 64},
    "adapters": [],
    "references": [{"role": "hero", "sha256": "7" * 64, "weight": "0.8"}],
    "conditioner": {"detectorSha256": "3" * 64, "recogniserSha256": "5" * 64},
    "prompt": "red coat, night street, running, laughing, neon light",
    "negative": "blurry",
    "width": 128,
    "height": 128,
    "steps": 20,
    "guidance": "2.5",
    "scheduler": "dpmsolver++",
    "profile": "exact",
    "source": None,
    "mask": None,
    "strength": None,
    "shot": "rain",
    "index": 0,
    "seed": "1234",
}
FROZEN_SHOT_KEYS = {
    "rain-0": "832f5b32882d15f531e5cb494438b6fbf431745e705107d35927d58f3c038f9e",
    "rain-1": "f540486c704530347f7aa9a32acc7054c2d3a89ce2394dde128705c1de5a7b55",
    "still-0": "501729879489f4b6e01900a2880589e1582a17994deb664a76ab674ed0a49d8e",
}
FROZEN_BASE_SEED_OF_STILL = 2885563554893986395
FROZEN_JOB_KEY_OF_RAIN_0 = "c73c62539421e3bd242f71ab2422de542bd08107d9024aba968acc9d9936bd87"


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def by_name(found: Plan) -> dict[str, Shot]:
    return {f"{shot.shot_id}-{shot.index}": shot for shot in found.shots}


def without_baseline_digest(found: Plan) -> dict[str, Any]:
    return {
        "schema": "personactl.job-key/1",
        "shotKey": found.shots[0].shot_key,
        "persona": {"id": "lira", "version": 2, "recordSha256": "6" * 64},
        "gate": {
            "threshold": "0.465",
            "source": "calibrated-pack",
            "calibrationId": "cal-1",
            "attempts": 3,
            "onDrift": ["reseed"],
            "detectorSha256": "3" * 64,
            "recogniserSha256": "4" * 64,
        },
        "format": "png",
        "watermark": True,
        "label": "auto",
        "policies": [],
    }


def test_the_shot_key_is_the_digest_of_its_document(make: Make) -> None:
    assert by_name(make())["rain-0"].shot_key == sha256(SHOT_DOCUMENT)
    assert by_name(make())["rain-1"].shot_key == sha256({**SHOT_DOCUMENT, "index": 1})


def test_frozen_shot_keys(make: Make) -> None:
    assert {name: shot.shot_key for name, shot in by_name(make()).items()} == FROZEN_SHOT_KEYS


def test_the_job_key_is_the_digest_of_its_document(make: Make) -> None:
    found = make()
    baseline = {"id": "baseline", "sha256": policy.load("baseline").sha256}
    assert found.shots[0].job_key == sha256({**without_baseline_digest(found), "policies": [baseline]})


def test_a_frozen_job_key(make: Make) -> None:
    """Without policies, whose digests change with their text."""
    from personactl.plan.keys import digest, job_key_document

    bare = replace(make(), policies=())
    assert digest(job_key_document(bare.shots[0].shot_key, bare)) == FROZEN_JOB_KEY_OF_RAIN_0
    assert sha256(without_baseline_digest(bare)) == FROZEN_JOB_KEY_OF_RAIN_0


def test_a_label_that_is_not_drawn_is_not_in_the_job_key(make: Make) -> None:
    """The arrival of labels makes no finished work new: only plans that draw one, or say why not, have new members."""
    from personactl.plan.keys import job_key_document

    found = make()
    assert found.label is None
    assert set(job_key_document("0" * 64, found)) == set(without_baseline_digest(found))


def test_all_that_makes_the_label_is_in_the_job_key(make: Make) -> None:
    labelled = make(policies=policy.load_all(["eu-ai-act-art50"]))
    assert labelled.label is not None
    changes = [
        {"words": ("MODIFIED",)}, {"height": "0.04"}, {"least_height": "0.03"}, {"margin": "0.05"},
        {"places": ("top-left",)}, {"asked_by": ()},
    ]  # fmt: skip
    changed = [replace(labelled, label=replace(labelled.label, **change)) for change in changes]
    reasoned = replace(make(), output=replace(labelled.output, label_reason="printed beside it"))
    plans = [labelled, *changed, replace(labelled, label=None), reasoned, make()]
    keys = {plan.keys.keyed(found.shots[0], found).job_key for found in plans}
    assert len(keys) == len(plans)
    assert {plan.keys.keyed(found.shots[0], found).shot_key for found in plans} == {labelled.shots[0].shot_key}


def test_another_watermark_is_another_delivery_of_the_same_pixels(make: Make) -> None:
    """The built-in one is in no key: its arrival beside others makes no finished work new."""
    from personactl.plan.keys import job_key_document

    found = make()
    other = replace(found, output=replace(found.output, watermarker="trustmark"))
    ours, theirs = (job_key_document("0" * 64, item) for item in (found, other))
    assert theirs == {**ours, "watermarker": "trustmark"}
    keyed = plan.keys.keyed(found.shots[0], other)
    assert (keyed.shot_key, keyed.job_key != found.shots[0].job_key) == (found.shots[0].shot_key, True)
    assert "watermarker" not in plan.to_json(found)["output"]


def test_a_plan_with_a_label_reads_back(make: Make) -> None:
    import json

    labelled = make(policies=policy.load_all(["eu-ai-act-art50"]))
    document = plan.to_json(labelled)
    assert document["label"]["words"] == ["GENERATED"]
    assert plan.from_json(json.dumps(document).encode()).label == labelled.label
    assert "label" not in plan.to_json(make())
    assert "labelReason" not in plan.to_json(make())["output"]


def test_without_the_nonce_a_guessed_prompt_cannot_be_confirmed(make: Make) -> None:
    """Every digest that leaves the project and covers a prompt differs with a nonce that nobody outside knows."""
    other = make(persona=replace(PERSONA, record={**PERSONA.record, "nonce": "b" * 64}))
    for ours, theirs in zip(make().shots, other.shots, strict=True):
        assert ours.shot_key != theirs.shot_key
        assert ours.job_key != theirs.job_key
    assert make().sha256 != other.sha256
    assert by_name(make())["still-0"].base_seed != by_name(other)["still-0"].base_seed
    assert "a" * 64 not in repr(make())


def test_base_seeds(make: Make) -> None:
    shots = by_name(make())
    assert (shots["rain-0"].base_seed, shots["rain-1"].base_seed) == (1234, 1234)
    assert shots["rain-0"].given_seed
    assert not shots["still-0"].given_seed
    bits = bin(int(shots["still-0"].shot_key, 16))[2:].zfill(256)
    assert shots["still-0"].base_seed == int(bits[:63], 2) == FROZEN_BASE_SEED_OF_STILL


def independent_seed(base: int, index: int, attempt: int) -> int:
    bits = "".join(f"{byte:08b}" for byte in hashlib.sha256(b"%d/%d/%d" % (base, index, attempt)).digest())
    return int(bits[:63], 2)


FROZEN_SEEDS = {
    (1234, 0, 1): 1101508928270645586,
    (1234, 1, 0): 7461123196115676093,
    (1234, 2, 1): 4114423994901164585,
    (0, 0, 1): 3857964456596338571,
    (2**63 - 1, 9999, 31): 3920124956777267332,
}


@pytest.mark.parametrize(("base", "index", "attempt"), FROZEN_SEEDS)
def test_frozen_attempt_seeds(make: Make, base: int, index: int, attempt: int) -> None:
    shot = replace(make().shots[0], base_seed=base, index=index)
    assert plan.attempt_seed(shot, attempt) == FROZEN_SEEDS[base, index, attempt]
    assert independent_seed(base, index, attempt) == FROZEN_SEEDS[base, index, attempt]


def test_a_given_seed_is_used_as_it_is_once(make: Make) -> None:
    shots = by_name(make())
    assert plan.attempt_seed(shots["rain-0"], 0) == 1234
    assert plan.attempt_seed(shots["rain-0"], 1) == independent_seed(1234, 0, 1)
    assert plan.attempt_seed(shots["rain-1"], 0) == independent_seed(1234, 1, 0)


def test_a_derived_seed_is_never_used_as_it_is(make: Make) -> None:
    still = by_name(make())["still-0"]
    assert plan.attempt_seed(still, 0) == independent_seed(still.base_seed, 0, 0)


def test_a_given_seed_of_zero_is_given(make: Make) -> None:
    zero = make(TEXT.replace("seed = 1234", "seed = 0"))
    assert zero.shots[0].given_seed
    assert plan.attempt_seed(zero.shots[0], 0) == 0
    assert zero.shots[0].shot_key != make(TEXT.replace("seed = 1234\n", "")).shots[0].shot_key


def keys(found: Plan) -> tuple[str, str]:
    return found.shots[0].shot_key, found.shots[0].job_key


PIXELS = {
    "steps": TEXT.replace("steps = 20", "steps = 21"),
    "guidance": TEXT.replace("guidance = 2.5", "guidance = 2.6"),
    "scheduler": TEXT.replace("dpmsolver++", "ddim"),
    "weight": TEXT.replace("weight = 0.8", "weight = 0.7"),
    "roles": TEXT.replace('roles = ["hero"]', 'roles = ["front"]'),
    "order of roles": TEXT.replace('roles = ["hero"]', 'roles = ["front", "hero"]'),
    "text alone": TEXT.replace('roles = ["hero"]', "roles = []"),
    "negative": TEXT.replace("blurry", "blurry, hat"),
    "size": TEXT.replace("[128, 128]", "[128, 144]"),
    "scene": TEXT.replace("night street", "beach"),
    "mood": TEXT.replace("laughing", "sad"),
    "seed": TEXT.replace("1234", "1235"),
    "shot id": TEXT.replace('"rain"', '"rain-2"'),
}


@pytest.mark.parametrize("name", PIXELS)
def test_what_makes_the_pixels_makes_both_keys(make: Make, name: str) -> None:
    assert PIXELS[name] != TEXT
    before, after = keys(make()), keys(make(PIXELS[name]))
    assert before[0] != after[0]
    assert before[1] != after[1]


DELIVERY = {
    "format": TEXT.replace("[output]\n", '[output]\nformat = "webp"\n'),
    "watermark": TEXT.replace("[output]\n", "[output]\nwatermark = false\n"),
    "attempts": TEXT.replace("attempts = 3", "attempts = 4"),
    "threshold": TEXT.replace("attempts = 3", "attempts = 3\nthreshold = 0.465"),
    "policies": TEXT,
    "persona version": TEXT.replace("lira@2", "lira@3"),
}


@pytest.mark.parametrize("name", DELIVERY)
def test_what_makes_only_the_delivery_leaves_the_shot_key(make: Make, name: str) -> None:
    policies = policy.load_all(["us-ny-gbl-396b"]) if name == "policies" else ()
    someone = replace(PERSONA, version=3) if name == "persona version" else PERSONA
    before, after = keys(make()), keys(make(DELIVERY[name], policies=policies, persona=someone))
    assert before[0] == after[0]
    assert before[1] != after[1]


NOTHING = {
    "campaign id": TEXT.replace('"spring"', '"summer"'),
    "a comment": TEXT + "# note\n",
    "the same number": TEXT.replace("guidance = 2.5", "guidance = 2.50"),
    "a default written out": TEXT.replace("[model]\n", '[model]\npath = "pocket"\nprofile = "exact"\n'),
    "another shot": TEXT + '[[shot]]\nid = "new"\nprompt = "x"\n',
    "more of the same shot": TEXT.replace("count = 2", "count = 3"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_makes_neither_changes_neither(make: Make, name: str) -> None:
    assert NOTHING[name] != TEXT
    assert keys(make()) == keys(make(NOTHING[name]))


def test_locks_make_keys(make: Make) -> None:
    before = keys(make())
    assert keys(make(model=replace(MODEL, sha256="9" * 64)))[0] != before[0]
    assert keys(make(scorer=replace(SCORER, conditioner_sha256="9" * 64)))[0] != before[0]
    assert keys(make(scorer=replace(SCORER, detector_sha256="9" * 64)))[0] != before[0]
    reference = Reference(role="hero", path="refs/hero.png", sha256="9" * 64)
    assert keys(make(persona=replace(PERSONA, references=(reference,))))[0] != before[0]
    scored = keys(make(scorer=replace(SCORER, recogniser_sha256="9" * 64)))
    assert scored[0] == before[0]
    assert scored[1] != before[1]
    assert keys(make(model=replace(MODEL, name="other"), persona=replace(PERSONA, folder="/elsewhere"))) == before
    assert keys(make(capabilities=replace(CAPABILITIES, max_size=512))) == before


def test_the_order_of_policies_changes_nothing(make: Make) -> None:
    names = ["us-ny-gbl-396b", "eu-ai-act-art50"]
    one, two = policy.load_all(names), policy.load_all(names[::-1])
    assert keys(make(policies=one)) == keys(make(policies=two))


def test_text_alone_needs_no_conditioner(make: Make) -> None:
    text = PIXELS["text alone"]
    assert keys(make(text)) == keys(make(text, scorer=replace(SCORER, conditioner_sha256="9" * 64)))
