"""The context of this machine: real diffusers, real detector and recogniser, through the whole sequence."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest
import workshop
from personactl_ledger import check
from workshop import NOW, Workshop

sys.path.insert(0, str(Path(__file__).parents[1] / "generate"))

from random_pack import build_pack, paint

from personactl import casting, config, disclose, generate, identity, keys, manifest, persona, plan, policy, run
from personactl.model import Persona, Plan

LOCAL = """\
schema = 1
[campaign]
id = "local"
persona = "lira@1"
[model]
path = "{model}"
steps = {steps}
[reference]
roles = ["hero"]
[identity]
threshold = -1.0
attempts = {attempts}
[[shot]]
id = "first"
prompt = "plain background"
count = 2
seed = 7
"""


def planned(shop: Workshop, model: str, *, steps: int, attempts: int) -> Plan:
    asked = manifest.parse(LOCAL.format(model=model, steps=steps, attempts=attempts).encode(), "manifests/local.toml")
    lock, capabilities = generate.lock_model(model, project=shop.folder)
    scorer = identity.lock_scorer(model, project=shop.folder)
    return plan.expand(asked, shop.persona, policy.load_all(()), lock, scorer, capabilities)


def executed(shop: Workshop, made: Plan, model: str) -> run.RunSummary:
    context = run.local_context(
        made, config=shop.config, keyset=shop.keyset, persona=shop.persona, model_path=model,
        resume="personactl run manifests/local.toml",
    )  # fmt: skip
    return run.execute(made, context)


@pytest.mark.slow
def test_random_weights_go_all_the_way_and_are_rejected_with_a_reason(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    workshop.found(folder, freeze=False)
    build_pack(folder / "models/random")
    shop = Workshop(folder)
    hero = as_png(paint((1, 1, 0.9, 64, 0), look=3))
    reference = {"role": "hero", "path": "refs/painted.png", "sha256": hashlib.sha256(hero).hexdigest()}
    shop.persona = persona.update(folder, shop.persona, {**shop.persona.record, "references": [reference]},
                                  {"refs/painted.png": hero})  # fmt: skip
    shop.persona = casting.freeze(shop.config, shop.keyset, shop.persona, now=NOW).persona
    made = planned(shop, "models/random", steps=2, attempts=2)
    summary = executed(shop, made, "models/random")
    assert (summary.planned, summary.failed, summary.skipped) == (2, 0, 0)
    rejected = shop.ledger(kind="reject")
    assert len(rejected) == summary.rejects > 0
    for stored in rejected:
        said = stored.entry.predicate
        assert said["reason"] == said["identity"]["verdict"] or said["reason"].startswith("poison-")
        assert said["model"]["lockSha256"] == made.model.sha256
        assert said["environment"]["device"] == "cpu"
    assert check(shop.config.ledger_path).ok


def demo_persona(project: Path, drawings: Path) -> Persona:
    """lira with the drawn references and no words: the pictures alone say who it is."""
    files = {f"refs/{role}.png": (drawings / f"{role}.png").read_bytes() for role in ("hero", "front", "three-quarter")}
    references = [
        {"role": Path(name).stem, "path": name, "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    ]
    blank = persona.create(project, "lira")
    record = {**blank.record, "references": references, "prompt": {"name": "", "traits": []}}
    return persona.update(project, blank, record, files)


def as_png(pixels: object) -> bytes:
    import io

    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")  # type: ignore[arg-type]
    return data.getvalue()


@pytest.mark.pack
@pytest.mark.slow
def test_the_pocket_pack_makes_signed_scored_pictures(repository: Path, tmp_path: Path) -> None:
    if not (repository / "fixtures/pocket/pack.json").is_file():
        pytest.skip("fixtures/pocket/pack.json is missing: the pocket pack is not trained yet")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / config.FILE_NAME).write_text(workshop.CONFIG)
    project = config.find(folder)
    keys.create_development(project.keys_path, organisation="Example Studio", domain="example.org", now=NOW)
    keyset = keys.load(project.keys_path)
    workshop.new_ledger(project, keyset)
    drawn = demo_persona(folder, repository / "fixtures/demo-persona")
    casting.freeze(project, keyset, drawn, now=NOW)
    shop = Workshop(folder)
    made = planned(shop, "pocket", steps=8, attempts=4)
    summary = executed(shop, made, "pocket")
    assert (summary.planned, summary.failed) == (2, 0)
    assert summary.done >= 1, [outcome.reason for outcome in summary.outcomes]
    for name in shop.visible(summary.run_id):
        data = (shop.out(summary.run_id) / name).read_bytes()
        marks = disclose.read_marks(data, anchors=(keyset.c2pa.anchor_pem,))
        assert marks.c2pa.state == "Trusted"
        receipt = json.loads((shop.out(summary.run_id) / f"{name}.receipt").read_bytes())
        assert receipt["schema"] == "personactl.receipt/1"
    for stored in shop.ledger(kind="output"):
        said = stored.entry.predicate["identity"]
        assert (said["verdict"], float(said["score"]) >= float(said["threshold"])) == ("pass", True)
    again = executed(shop, made, "pocket")
    assert (again.done, again.skipped) == (0, summary.done)
    assert check(shop.config.ledger_path).ok
