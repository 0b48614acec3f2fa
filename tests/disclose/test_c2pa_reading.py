"""What is read of a manifest: every action, every failure however deep, and whose failure it is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from signed_pictures import actions_definition, bare, keyset, signer

from personactl.claim_terms import TRAINED_ALGORITHMIC_MEDIA
from personactl.disclose import C2paSigner, read_marks
from personactl.disclose import c2pa as room
from personactl.disclose.c2pa_reading import C2paReading, from_document
from personactl.errors import DisclosureError

CREATED: dict[str, Any] = {"action": "c2pa.created", "digitalSourceType": TRAINED_ALGORITHMIC_MEDIA}
USING = {**CREATED, "parameters": {"ingredientIds": ["in"]}}
EDITED = {"action": "c2pa.edited", "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/humanEdits"}
OURS, THEIRS = (keyset(number=number).c2pa.anchor_pem for number in (0, 1))


class Careless(C2paSigner):
    """Takes in whatever it is given. `believes` are the anchors under which it looks at ingredients."""

    __slots__ = ()

    def __init__(self, number: int = 0, believes: tuple[str, ...] = ()):
        super().__init__(keyset(number=number).c2pa)
        if believes:
            self._context = room._context(believes)

    def _add_ingredient(self, builder: Any, label: str, content: bytes, relationship: str) -> None:
        ingredient = {"title": label, "relationship": relationship, "label": label}
        builder.add_ingredient(ingredient, "image/png", io.BytesIO(content))


def made(content: bytes | None = None, *, by: C2paSigner | None = None) -> bytes:
    """A picture that was made, of the picture `content` if there is one."""
    definition = actions_definition((CREATED if content is None else USING,))
    references = None if content is None else {"in": content}
    return (by or Careless()).sign(definition, "image/png", bare(), references=references).data


def altered(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[data.index(b"IDAT") + 30] ^= 1
    return bytes(changed)


def reading(data: bytes, *anchors: str) -> C2paReading:
    return read_marks(data, anchors=anchors or (OURS,)).c2pa


def test_the_actions_of_every_actions_assertion_are_read_in_order() -> None:
    data = signer().sign(actions_definition((CREATED,), (EDITED,)), "image/png", bare()).data
    found = reading(data)
    assert [action["action"] for action in found.actions] == ["c2pa.created", "c2pa.edited"]
    assert (found.first_action, found.digital_source_type) == ("c2pa.created", TRAINED_ALGORITHMIC_MEDIA)
    assert found.source_types == (TRAINED_ALGORITHMIC_MEDIA, EDITED["digitalSourceType"])


def test_an_assertion_that_stands_twice_says_nothing() -> None:
    definition = actions_definition((CREATED,))
    twice = [
        {"label": "org.personactl.generation", "kind": "Json", "created": True, "data": {"entryId": text}}
        for text in ("one", "two")
    ]
    data = signer().sign({**definition, "assertions": [*definition["assertions"], *twice]}, "image/png", bare()).data
    assert reading(data).state == "Trusted"
    assert reading(data).assertion is None


def test_a_claim_of_the_first_version_is_read() -> None:
    data = signer().sign({**actions_definition((CREATED,)), "claim_version": 1}, "image/png", bare()).data
    assert (reading(data).state, reading(data).first_action) == ("Trusted", "c2pa.created")


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_an_alteration_is_seen_however_deep_it_went_in(depth: int) -> None:
    data = altered(made())
    for _ in range(depth):
        data = made(data)
    found = reading(data)
    assert (found.state, found.failures) == ("Trusted", ())
    assert "assertion.dataHash.mismatch" in found.ingredient_failures
    assert not found.sound
    assert "assertion.dataHash.mismatch" in found.fault


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("believed", [False, True], ids=["stranger when added", "accepted when added"])
def test_a_stranger_who_went_in_is_seen_and_the_signer_is_not_blamed(depth: int, believed: bool) -> None:
    by = Careless(believes=(OURS, THEIRS) if believed else ())
    data = made(by=Careless(1))
    for _ in range(depth):
        data = made(data, by=by)
    found = reading(data)
    assert (found.signer_accepted, found.failures) == (True, ())
    assert found.ingredient_failures == ("signingCredential.untrusted",)
    assert (found.sound, found.fault) == (True, "")


@pytest.mark.parametrize("depth", [1, 3])
def test_a_stranger_of_then_who_is_accepted_now_is_none(depth: int) -> None:
    data = made(by=Careless(1))
    for _ in range(depth):
        data = made(data)
    assert reading(data, OURS, THEIRS).ingredient_failures == ()


def test_a_file_of_a_stranger_with_our_picture_inside_is_the_strangers() -> None:
    found = reading(made(made(), by=Careless(1)))
    assert (found.state, found.signer_accepted, found.sound) == ("Valid", False, False)
    assert found.failures == ("signingCredential.untrusted",)


def test_a_parent_that_was_altered_is_not_taken_in_and_neither_is_one_with_an_altered_picture_inside() -> None:
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}
    for parent in (altered(made()), made(altered(made()))):
        with pytest.raises(DisclosureError) as caught:
            signer().sign(actions_definition((opened,)), "image/png", bare(), parent={"parent": parent})
        assert caught.value.code == "c2pa.ingredient-broken"
        assert "assertion.dataHash.mismatch" in caught.value.message


@pytest.mark.parametrize("number", [0, 1], ids=["ours", "a stranger"])
def test_an_update_manifest_says_that_a_file_was_opened_and_is_its_own_signers(number: int) -> None:
    """A manifest over another one, without a binding of its own: that of the first one holds the content."""
    first, by = made(), Careless(number)
    builder = room.c2pa.Builder({**actions_definition(()), "assertions": []}, context=by._context)
    builder.set_intent(room.c2pa.C2paBuilderIntent.UPDATE)
    by._add_parent(builder, "parent", first)
    target = io.BytesIO()
    builder.sign(by._signer, "image/png", io.BytesIO(first), target)
    found = reading(target.getvalue())
    assert (found.first_action, found.source_types, found.signer_accepted) == ("c2pa.opened", (), number == 0)
    changed = reading(altered(target.getvalue()))
    assert (changed.state, changed.sound) == ("Invalid", False)
    assert "assertion.dataHash.mismatch" in changed.failures


def document(**manifest: Any) -> dict[str, Any]:
    return {
        "active_manifest": "a",
        "validation_state": "Trusted",
        "manifests": {"a": manifest},
        "validation_results": {"activeManifest": {"success": [{"code": "signingCredential.trusted"}]}},
    }


def test_the_older_forms_of_other_vendors_are_read() -> None:
    older = document(
        claim_generator="Camera App/2.1",
        assertions=[{"label": "c2pa.actions", "data": {"actions": [{"action": "c2pa.opened"}, "text"]}}],
        ingredients=[
            {"validation_status": [{"code": "assertion.dataHash.mismatch"}, {"code": "claimSignature.validated"}]}
        ],
    )
    found = from_document(older, ())
    assert (found.generator, found.first_action) == ("Camera App/2.1", "c2pa.opened")
    assert found.ingredient_failures == ("assertion.dataHash.mismatch",)


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"claim_generator_info": [], "title": 7},
        {"claim_generator_info": ["text"], "signature_info": {"issuer": ["x"], "time": 4}},
        {"assertions": [{"label": "c2pa.actions.v2", "data": None}, {"label": "org.personactl.generation", "data": 3}]},
        {"ingredients": [{"validation_results": None, "validation_status": None}]},
    ],
)
def test_what_is_not_there_reads_as_nothing(manifest: dict[str, Any]) -> None:
    found = from_document(document(**manifest), ())
    assert (found.title, found.issuer, found.actions, found.assertion, found.ingredient_failures) == (
        "",
        "",
        (),
        None,
        (),
    )


def test_an_identity_that_nobody_accepts_is_no_fault_of_the_file() -> None:
    """As in files of tools that sign an identity beside the claim (CAWG), and in pictures of theirs that went in."""
    code = "cawg.x509.credential.untrusted"
    said = document(ingredients=[{"validation_results": {"activeManifest": {"failure": [{"code": code}]}}}])
    said["validation_results"]["activeManifest"]["failure"] = [{"code": code}]
    found = from_document(said, ())
    assert (found.failures, found.ingredient_failures, found.informational) == ((), (), (code,))
    assert (found.sound, found.fault) == (True, "")


def test_ingredients_that_are_nested_without_end_are_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"ingredients": [deep]}
    with pytest.raises(ValueError, match="nested"):
        from_document(document(**deep), ())
