"""The rules of C2PA's conformance rubric for specification 2.4, as functions over crJSON.

Source: c2pa-org/conformance-public, asset-rubrics/asset-rubric-conformance0.2-spec2.4.yml and
asset-rubric-integrity.yml, version 1.0 of 2026-08-06. Written anew from what each rule asks for; the names are the ids
of the rubric. A rule returns what is wrong, and nothing where all is well. Each one stands beside a change of a good
document that must make it speak: a rule that cannot fail would show nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

INCEPTION = {"c2pa.created", "c2pa.opened"}
WITHOUT_SOURCE_TYPE = {
    "c2pa.converted", "c2pa.published", "c2pa.repackaged", "c2pa.transcoded", "c2pa.resized.proportional",
    "c2pa.enhanced", "c2pa.edited.metadata", "c2pa.watermarked", "c2pa.watermarked.bound", "c2pa.watermarked.unbound",
    "c2pa.redacted", "c2pa.placed",
}  # fmt: skip
ACTIONS = {
    "c2pa.addedText", "c2pa.adjustedColor", "c2pa.changedSpeed", "c2pa.converted", "c2pa.created", "c2pa.cropped",
    "c2pa.deleted", "c2pa.drawing", "c2pa.dubbed", "c2pa.edited", "c2pa.edited.metadata", "c2pa.enhanced",
    "c2pa.filtered", "c2pa.mastered", "c2pa.mixed", "c2pa.opened", "c2pa.orientation", "c2pa.placed", "c2pa.published",
    "c2pa.redacted", "c2pa.remixed", "c2pa.removed", "c2pa.repackaged", "c2pa.resized", "c2pa.resized.proportional",
    "c2pa.transcoded", "c2pa.translated", "c2pa.trimmed", "c2pa.unknown", "c2pa.watermarked.bound",
    "c2pa.watermarked.unbound",
}  # fmt: skip
DEPRECATED_ACTIONS = {
    "c2pa.copied", "c2pa.formatted", "c2pa.version_updated", "c2pa.printed", "c2pa.managed", "c2pa.produced",
    "c2pa.saved", "c2pa.color_adjustments", "c2pa.watermarked",
}  # fmt: skip
ASSERTIONS = {
    "c2pa.hash.data", "c2pa.hash.bmff.v3", "c2pa.hash.boxes", "c2pa.actions.v2", "c2pa.ingredient.v3",
    "c2pa.soft-binding", "c2pa.metadata", "c2pa.thumbnail.claim", "c2pa.thumbnail.ingredient", "c2pa.ai-disclosure",
    "c2pa.time-stamp",
}  # fmt: skip
"""Of the rubric's list, those that this project could ever write."""
DEPRECATED_ASSERTIONS = {
    "c2pa.claim", "c2pa.hash.bmff.v2", "c2pa.asset-type", "c2pa.ingredient", "c2pa.ingredient.v2", "c2pa.actions",
}  # fmt: skip
PARAMETERS = {"redacted", "ingredients", "ingredient", "description", "relatedAssertions", "multipleInstances"}
FORBIDDEN_REFERENCES = ("c2pa.actions", "c2pa.cloud-data", "c2pa.external-reference", "c2pa.hash", "c2pa.ingredient")


def active(document: Json) -> Json:
    found: Json = document["manifests"][0]
    return found


def assertions(document: Json) -> Json:
    found: Json = active(document).get("assertions", {})
    return found


def actions(document: Json) -> list[Json]:
    return [item for data in assertions(document).values() for item in data.get("actions") or []]


def names(document: Json) -> list[str]:
    return [item["action"] for item in actions(document)]


def ingredients(document: Json) -> list[Json]:
    return [data for data in assertions(document).values() if data.get("relationship") is not None]


def claim(document: Json) -> Json:
    found: Json = active(document)["claim.v2"]
    return found


def failures(document: Json, *, about: Callable[[str], bool]) -> list[str]:
    results = active(document).get("validationResults")
    if results is None:
        return ["no validation results"]
    return [item["code"] for item in results.get("failure", []) if about(item["code"])]


def _malformed(code: str) -> bool:
    words = (
        ".malformed",
        ".missing",
        ".multiple",
        ".invalid",
        "wrongParents",
        "inaccessible",
        "multiple",
        "unknownBox",
    )
    return not code.startswith("signingCredential.") and any(word in code for word in words)


def _mismatch(code: str) -> bool:
    return "ismatch" in code or code in ("assertion.hardBinding.redacted", "claimSignature.missing")


def _about_trust(code: str) -> bool:
    return code.startswith(("signingCredential.", "claimSignature."))


def _inception(document: Json) -> Iterator[str]:
    first = next((item["url"] for item in claim(document)["created_assertions"] if "c2pa.actions" in item["url"]), "")
    if not first.endswith("c2pa.actions.v2"):
        yield f"the first created actions assertion is {first or 'not there'}"
    if not actions(document) or actions(document)[0]["action"] not in INCEPTION:
        yield "the first action is neither created nor opened"


def _spec_version(document: Json) -> list[str]:
    information = claim(document)["claim_generator_info"]
    first = information[0] if isinstance(information, list) else information
    version = first.get("specVersion")
    return [] if isinstance(version, str) and version.split(".")[:2] == ["2", "4"] else [f"specVersion {version}"]


def _all_actions_opened(document: Json) -> list[str]:
    if [item["action"] for item in actions(document)] != ["c2pa.opened"]:
        return []
    said = assertions(document)["c2pa.actions.v2"].get("allActionsIncluded")
    return [] if said is True else [f"allActionsIncluded is {said}"]


def _opened_parents(document: Json) -> Iterator[str]:
    for item in actions(document):
        parents = (item.get("parameters") or {}).get("ingredients") or []
        if item["action"] == "c2pa.opened" and len(parents) != 1:
            yield f"c2pa.opened names {len(parents)} ingredients"


def _external_references(document: Json) -> list[str]:
    return [
        data["label"]
        for data in assertions(document).values()
        if "url" in data and "relationship" not in data and str(data.get("label", "")).startswith(FORBIDDEN_REFERENCES)
    ]


def _alternative(document: Json) -> list[str]:
    found = []
    for label, data in assertions(document).items():
        parameters = data.get("parameters") or {}
        if "exif.originalPreservationImage" in (data.get("type"), parameters.get("type")):
            named = {"multiAssetPartIndex", "embeddedOriginalPreservationImage"} & set(parameters)
            found += [label] if len(named) != 1 else []
    return found


def _add(label: str, data: Json) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        assertions(document)[label] = data

    return change


def _act(**fields: Any) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        assertions(document)["c2pa.actions.v2"]["actions"].append(fields)

    return change


def _put(*path: Any, value: Any) -> Callable[[Json], None]:
    """Replace, or with None take away, what stands at a path below the active manifest."""

    def change(document: Json) -> None:
        place: Any = active(document)
        for step in path[:-1]:
            place = place[step]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return change


def _fail(code: str) -> Callable[[Json], None]:
    return _put("validationResults", "failure", value=[{"code": code}])


@dataclass(frozen=True)
class Rule:
    id: str
    wrong: Callable[[Json], Any]
    breaking: Callable[[Json], None]


_ACTIONS = ("assertions", "c2pa.actions.v2")

RULES = (
    Rule(
        "mandatory_dst_for_perceptible_transformations",
        lambda d: [
            item["action"]
            for item in actions(d)
            if item["action"].startswith("c2pa.")
            and item["action"] not in INCEPTION | WITHOUT_SOURCE_TYPE
            and not item.get("digitalSourceType")
        ],
        _act(action="c2pa.edited"),
    ),
    Rule("mandatory_spec_version", _spec_version, _put("claim.v2", "claim_generator_info", "specVersion", value=None)),
    Rule(
        "mandatory_all_actions_included",
        lambda d: [
            label
            for label, data in assertions(d).items()
            if data.get("actions") is not None and data.get("allActionsIncluded") is None
        ],
        _put(*_ACTIONS, "allActionsIncluded", value=None),
    ),
    Rule(
        "no_dst_for_opened_action",
        lambda d: [item for item in actions(d) if item["action"] == "c2pa.opened" and item.get("digitalSourceType")],
        _act(action="c2pa.opened", digitalSourceType="http://x"),
    ),
    Rule(
        "well_formed_data_present",
        lambda d: [] if active(d).get("validationResults") else ["no results"],
        _put("validationResults", value=None),
    ),
    Rule(
        "well_formed_success", lambda d: failures(d, about=_malformed), _fail("assertion.action.malformed")
    ),
    Rule(
        "valid_data_present",
        lambda d: [] if active(d).get("validationResults") else ["no results"],
        _put("validationResults", value=None),
    ),
    Rule("valid_success", lambda d: failures(d, about=_mismatch), _fail("assertion.dataHash.mismatch")),
    Rule("trusted_data_present", lambda d: failures(d, about=lambda _: False), _put("validationResults", value=None)),
    Rule("trusted_success", lambda d: failures(d, about=_about_trust), _fail("signingCredential.untrusted")),
    Rule(
        "inception_action_position",
        lambda d: list(_inception(d)),
        _put(*_ACTIONS, "actions", 0, "action", value="c2pa.edited"),
    ),
    Rule(
        "no_deprecated_assertions",
        lambda d: [label for label in assertions(d) if label.startswith("stds.") or label in DEPRECATED_ASSERTIONS],
        _add("c2pa.actions", {}),
    ),
    Rule(
        "no_unsupported_assertions",
        lambda d: [
            label for label in assertions(d) if label.startswith("c2pa.") and label.split("__")[0] not in ASSERTIONS
        ],
        _add("c2pa.made-up", {}),
    ),
    Rule(
        "no_deprecated_actions",
        lambda d: [name for name in names(d) if name in DEPRECATED_ACTIONS],
        _act(action="c2pa.saved"),
    ),
    Rule(
        "no_unsupported_actions",
        lambda d: [name for name in names(d) if name.startswith("c2pa.") and name not in ACTIONS],
        _act(action="c2pa.made-up"),
    ),
    Rule(
        "no_unrecognized_custom_assertions",
        lambda d: [label for label in assertions(d) if "." not in label],
        _add("generation", {}),
    ),
    Rule(
        "no_unrecognized_custom_actions",
        lambda d: [name for name in names(d) if "." not in name],
        _act(action="made"),
    ),
    Rule(
        "no_unrecognized_custom_action_parameters",
        lambda d: [
            name
            for item in actions(d)
            for name in item.get("parameters") or {}
            if name not in PARAMETERS and "." not in name
        ],
        _act(action="c2pa.edited", parameters={"strength": 1}),
    ),
    Rule(
        "discouraged_legacy_action_parameters",
        lambda d: [
            item["action"] for item in actions(d) if {"description", "ingredient"} & set(item.get("parameters") or {})
        ],
        _act(action="c2pa.edited", parameters={"ingredient": {}}),
    ),
    Rule(
        "active_manifest_urn",
        lambda d: [] if active(d)["label"].startswith("urn:c2pa:") else [active(d)["label"]],
        _put("label", value="urn:uuid:1"),
    ),
    Rule(
        "review_ratings_datasource",
        lambda d: [label for label, data in assertions(d).items() if data.get("reviewRatings") is not None],
        _add("c2pa.metadata", {"reviewRatings": [], "dataSource": {"type": "humanEntry.anonymous"}}),
    ),
    Rule(
        "ingredient_v3_no_active_manifest",
        lambda d: [item for item in ingredients(d) if not item.get("activeManifest") and item.get("validationResults")],
        _add("c2pa.ingredient.v3__9", {"relationship": "inputTo", "validationResults": {"x": 1}}),
    ),
    Rule(
        "ingredient_v3_mandatory_validation_results",
        lambda d: [item for item in ingredients(d) if item.get("activeManifest") and not item.get("validationResults")],
        _add("c2pa.ingredient.v3__9", {"relationship": "inputTo", "activeManifest": {"url": "x"}}),
    ),
    Rule(
        "ingredient_relationship_values",
        lambda d: [
            item for item in ingredients(d) if item["relationship"] not in ("parentOf", "inputTo", "componentOf")
        ],
        _add("c2pa.ingredient.v3__9", {"relationship": "friendOf"}),
    ),
    Rule(
        "mandatory_dst_for_created_action",
        lambda d: [
            item for item in actions(d) if item["action"] == "c2pa.created" and not item.get("digitalSourceType")
        ],
        _act(action="c2pa.created"),
    ),
    Rule(
        "no_deprecated_claim_fields",
        lambda d: ["specVersion"] if "specVersion" in claim(d) else [],
        _put("claim.v2", "specVersion", value="2.4.0"),
    ),
    Rule(
        "ingredient_v3_choice",
        lambda d: [item for item in ingredients(d) if item.get("activeManifest") and item.get("digitalSourceType")],
        _add(
            "c2pa.ingredient.v3__9",
            {"relationship": "inputTo", "activeManifest": {"url": "x"}, "digitalSourceType": "y"},
        ),
    ),
    Rule(
        "alternative_content_representation_choice",
        _alternative,
        _add("c2pa.alternative-content-representation", {"type": "exif.originalPreservationImage"}),
    ),
    Rule(
        "forbidden_labels_in_external_references",
        _external_references,
        _add("c2pa.external-reference", {"label": "c2pa.hash.data", "url": "https://x"}),
    ),
    Rule(
        "no_url_in_hashes",
        lambda d: [label for label, data in assertions(d).items() if label.startswith("c2pa.hash.") and "url" in data],
        _add("c2pa.hash.data", {"url": "https://x"}),
    ),
    Rule(
        "all_actions_included_opened",
        _all_actions_opened,
        lambda d: assertions(d).__setitem__(
            "c2pa.actions.v2", {"actions": [{"action": "c2pa.opened"}], "allActionsIncluded": False}
        ),
    ),
    Rule("opened_action_ingredient_reference", lambda d: list(_opened_parents(d)), _act(action="c2pa.opened")),
    Rule(
        "no_box_hash_for_tiff",
        lambda d: ["c2pa.hash.boxes"] if "c2pa.hash.boxes" in assertions(d) else [],
        _add("c2pa.hash.boxes", {}),
    ),
)  # fmt: skip
