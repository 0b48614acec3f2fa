"""Claims that no library writes, made byte for byte: under our own key, under a stranger's, and both in one file."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import claims
import pytest
import studio
from attacks import Attack, Studios, names, run, run_command
from claims import CAPTURE, COMPOSITE, INNER, LABEL, OURS, SYNTHETIC, Assertion, Raw, actions, assertion, created

ALTERED, BROKEN, UNREAD = "verify.altered", "credential.broken", "verify.unreadable"
WORDS = "\x1b[2J\u202e</script><img src=x onerror=alert(1)>"


def with_more(studios: Studios, *more: Assertion) -> bytes:
    return claims.signed(studios.ours, [*claims.usual(studios.ours), *more])


def with_claim(studios: Studios, **more: Any) -> bytes:
    return claims.signed(studios.ours, claims.usual(studios.ours), **more)


def with_actions(studios: Studios, *items: dict[str, Any]) -> bytes:
    found = claims.changed(claims.usual(studios.ours), claims.ACTIONS, actions(*items))
    return claims.signed(studios.ours, found)


def passed_on(studios: Studios, label: str) -> bytes:
    return claims.signed(studios.ours, claims.gathered(claims.usual(studios.ours), label))


def picture_left_out(studios: Studios, *, replaced: bool = False) -> bytes:
    """Signed by us with the picture data outside the hard binding; `replaced`: by somebody's, afterwards."""
    plain, usual = claims.picture(), claims.usual(studios.ours)
    start, end = plain.index(b"IDAT") - 4, plain.index(b"IEND") - 4

    def build(hard: Assertion) -> bytes:
        return claims.store(claims.manifest(studios.ours, LABEL, [*usual, hard]))

    data = claims.bound(plain, build, left_out=(start, end))
    if not replaced:
        return data
    rows = zlib.compress(b"".join(b"\0" + b"\xff\0\0" * 16 for _ in range(16)))
    other = studio.chunk(b"IDAT", rows)
    other += studio.chunk(b"prVt", bytes(end - start - len(other) - 12))
    start += len(data) - len(plain)
    return data[:start] + other + data[start + len(other) :]


def two_bindings(studios: Studios) -> bytes:
    wrong = claims.binding(bytes(32), (claims.PLACE, 99))
    label = "c2pa.hash.data__1"
    body = wrong.box[wrong.box.index(b"cbor", 40) - 4 :]
    return with_more(studios, Assertion(label, claims.superbox("cbor", label, body)))


def nested(signer: studio.Studio, inner_signer: studio.Studio, relationship: str, *, update: bool = False) -> bytes:
    """A manifest of `signer` around one of `inner_signer`."""
    inner = claims.manifest(inner_signer, INNER, [*claims.usual(inner_signer), claims.binding(bytes(32), (33, 99))])
    brought = claims.ingredient(INNER, inner, relationship=relationship)
    said = actions(created(SYNTHETIC))
    if relationship == "parentOf":
        opened = {"action": "c2pa.opened", "parameters": {"ingredients": [claims.reference(brought)]}}
        said = actions(opened, {"action": "c2pa.edited", "digitalSourceType": COMPOSITE})
    found = [*claims.changed(claims.usual(signer), claims.ACTIONS, said), brought]

    def build(hard: Assertion) -> bytes:
        everything = found if update else [*found, hard]
        return claims.store(inner, claims.manifest(signer, LABEL, everything, kind="c2um" if update else "c2ma"))

    return claims.bound(claims.picture(), build)


def graph(studios: Studios, manifests: int, width: int) -> bytes:
    """Manifests in a row, each naming the one before it `width` times: width ** manifests ways from end to end."""
    labels = [f"urn:c2pa:{number:08d}-9999-4333-8444-555555555555" for number in range(manifests)]
    usual, made = claims.usual(studios.ours), list[bytes]()
    for number in range(manifests):
        brought = [claims.ingredient(labels[number - 1], made[-1], instance=n) for n in range(width)] if made else []
        hard = claims.binding(bytes(32), (33, 99))
        made.append(claims.manifest(studios.ours, labels[number], [*usual, *brought, hard]))
    last = claims.ingredient(labels[-1], made[-1])

    def build(hard: Assertion) -> bytes:
        return claims.store(*made, claims.manifest(studios.ours, LABEL, [*usual, last, hard]))

    return claims.bound(claims.picture(), build)


def stored(*body: bytes) -> bytes:
    return claims.embedded(claims.superbox("c2pa", "c2pa", *body))


def tower(levels: int) -> bytes:
    body = claims.superbox("cbor", "c2pa.x", claims.box(b"cbor", b"\xa0"))
    for _ in range(levels):
        body = claims.superbox("c2as", "x", body)
    return body


def deep(studios: Studios, opening: bytes, *, in_claim: bool) -> bytes:
    nested = Raw(opening * 100_000 + b"\1")
    return with_claim(studios, deep=nested) if in_claim else with_more(studios, assertion("org.x.deep", {"a": nested}))


CLAIMS = (
    Attack("sound, though made by hand", lambda s: with_more(s), "pass", 0, ("verify.content-only",)),
    # what the signer does not vouch for, or leaves out
    Attack(
        "our assertion is only passed on", lambda s: passed_on(s, OURS), "fail", 7, ("verify.assertion-missing",),
    ),
    Attack(
        "the AI disclosure is only passed on", lambda s: passed_on(s, "c2pa.ai-disclosure"), "fail", 7,
        ("verify.ai-disclosure-missing",),
    ),
    Attack(
        "the binding leaves out the picture", picture_left_out, "fail", 4, (ALTERED,), "additionalExclusionsPresent",
    ),
    Attack(
        "the binding leaves out a picture that is replaced", lambda s: picture_left_out(s, replaced=True), "fail", 4,
        (ALTERED,), "additionalExclusionsPresent",
    ),
    Attack(
        "no hard binding",
        lambda s: claims.embedded(claims.store(claims.manifest(s.ours, LABEL, claims.usual(s.ours)))), "error", 4,
        (BROKEN,), "hard binding",
    ),
    Attack("two hard bindings", two_bindings, "fail", 4, (ALTERED,), "multipleHardBindings"),
    # several answers to one question
    Attack(
        "captured by a camera, in older actions behind ours",
        lambda s: with_more(s, actions(created(CAPTURE), label="c2pa.actions")), "fail", 4, (ALTERED,), "malformed",
    ),
    Attack(
        "captured by a camera, in older actions before ours",
        lambda s: claims.signed(s.ours, [actions(created(CAPTURE), label="c2pa.actions"), *claims.usual(s.ours)]),
        "fail", 4, (ALTERED,), "malformed",
    ),
    Attack(
        "captured by a camera, in a second list of actions",
        lambda s: with_more(s, actions(created(CAPTURE), label=f"{claims.ACTIONS}__1")), "fail", 4, (ALTERED,),
        "malformed",
    ),
    Attack("the same label twice", lambda s: with_more(s, actions(created(CAPTURE))), "fail", 4, (ALTERED,)),
    Attack(
        "two assertions of ours, the second in agreement with the XMP",
        lambda s: claims.signed(s.ours, [*claims.usual(s.ours, entryId="ee" * 16), assertion(
            f"{OURS}__1", studio.assertion_data(studio.claim(s.ours), OURS))]), "fail", 7,
    ),
    # actions
    Attack("created twice", lambda s: with_actions(s, created(SYNTHETIC), created(CAPTURE)), "fail", 4, (ALTERED,)),
    Attack(
        "created second", lambda s: with_actions(s, {"action": "c2pa.opened"}, created(SYNTHETIC)), "fail", 4,
        (ALTERED, "verify.source-type-unknown"),
    ),
    Attack(
        "opened without what was opened",
        lambda s: with_actions(s, {"action": "c2pa.opened"}, {"action": "c2pa.edited", "digitalSourceType": COMPOSITE}),
        "fail", 4, (ALTERED,), "ingredientMismatch",
    ),
    Attack(
        "created without a source type", lambda s: with_actions(s, {"action": "c2pa.created"}), "fail", 4,
        (ALTERED, "verify.disclosure-missing"),
    ),
    Attack("a bogus source type", lambda s: with_actions(s, created("made by hand")), "fail", 7,
           ("verify.source-type-unknown",)),
    Attack(
        "no actions", lambda s: claims.signed(s.ours, claims.changed(claims.usual(s.ours), claims.ACTIONS)), "fail", 4,
        (ALTERED, "verify.disclosure-missing"),
    ),
    Attack("an empty list of actions", with_actions, "error", 4, (BROKEN,), "No Action"),
    # the structure of the claim
    Attack(
        "an assertion is redacted by its own claim",
        lambda s: with_claim(s, redacted_assertions=[f"self#jumbf=/c2pa/{LABEL}/c2pa.assertions/cawg.training-mining"]),
        "fail", 4, (ALTERED,), "selfRedacted",
    ),
    Attack(
        "an assertion that the claim does not name",
        lambda s: with_claim(s, undeclared=actions(created(CAPTURE), label="c2pa.actions").box), "error", 4, (BROKEN,),
    ),
    Attack("bytes that are no manifest", lambda s: claims.embedded(b"not a box"), "error", 4),
    # who signed
    Attack("a stranger signs our words", lambda s: claims.signed(s.theirs, claims.usual(s.ours)), "fail", 5,
           ("verify.untrusted",)),
    Attack("a stranger's claim around ours", lambda s: nested(s.theirs, s.ours, "inputTo"), "fail", 5,
           ("verify.untrusted",), "no trust file accepts the signer"),
    Attack("a stranger's edit of ours", lambda s: nested(s.theirs, s.ours, "parentOf"), "fail", 7,
           ("verify.untrusted", "verify.disclosure-contradicts")),
    Attack("a stranger's update of ours", lambda s: nested(s.theirs, s.ours, "parentOf", update=True), "fail", 4,
           (ALTERED, "verify.untrusted")),
    Attack("our claim around a stranger's", lambda s: nested(s.ours, s.theirs, "inputTo"), "fail", 5),
    # what went in
    Attack("it went into itself", lambda s: with_more(s, claims.ingredient(LABEL, bytes(40))), "error", 4, (BROKEN,),
           "cyclic"),
    Attack("it is its own parent", lambda s: with_more(s, claims.ingredient(
        LABEL, bytes(40), relationship="parentOf")), "error", 4, (BROKEN,), "cyclic"),
    # words
    Attack("a title with escapes", lambda s: with_claim(s, **{"dc:title": WORDS}), "pass", 0),
    Attack("a title of 10,000 characters", lambda s: with_claim(s, **{"dc:title": WORDS * 250}), "pass", 0),
    Attack("a title that is a number", lambda s: with_claim(s, **{"dc:title": 5}), "pass", 0),
    Attack("a title that is not UTF-8", lambda s: with_claim(s, **{"dc:title": Raw(b"\x62\xff\xfe")}), "error", 4,
           (BROKEN,)),
)  # fmt: skip

COST = (
    Attack(
        "20,000 assertions", lambda s: with_more(s, *(assertion(f"org.x.a{n}", {"a": n}) for n in range(20_000))),
        "error", 4, (UNREAD,), "boxes",
    ),
    Attack(
        "1,500 assertions", lambda s: with_more(s, *(assertion(f"org.x.a{n}", {"a": n}) for n in range(1_500))),
        "pass", 0,
    ),
    Attack(
        "50,000 references",
        lambda s: with_claim(s, created_assertions=[claims.reference(claims.usual(s.ours)[0])] * 50_000), "error", 4,
        (UNREAD,), "references",
    ),
    Attack("two ways at each of 24 manifests", lambda s: graph(s, 24, 2), "pass", 0),
    Attack("a row of 500 manifests", lambda s: graph(s, 500, 1), "error", 4, (UNREAD,), "boxes"),
    Attack("a tower of boxes", lambda s: stored(tower(600)), "error", 4, (BROKEN,), "nesting depth"),
    Attack(
        "a compressed store", lambda s: stored(claims.superbox("c2ma", LABEL, claims.box(b"brob", bytes(99)))), "error",
        4, (UNREAD,), "compressed",
    ),
    Attack("a title of 10 MB", lambda s: with_claim(s, **{"dc:title": "t" * 10_000_000}), "pass", 0),
    Attack("a store of 33 MB", lambda s: stored(claims.superbox("c2ma", LABEL, bytes(33 << 20))), "error", 4,
           (UNREAD,), "larger"),
    Attack("a tower of lists", lambda s: deep(s, b"\x81", in_claim=False), "error", 4, (BROKEN,)),
    Attack("a tower of maps", lambda s: deep(s, b"\xa1\x61a", in_claim=False), "error", 4, (UNREAD,), "values"),
    Attack("a tower of tags", lambda s: deep(s, b"\xc1", in_claim=False), "error", 4, (BROKEN,)),
    Attack("a tower of lists in the claim", lambda s: deep(s, b"\x81", in_claim=True), "error", 4, (BROKEN,), "depth"),
    Attack("a tower of maps in the claim", lambda s: deep(s, b"\xa1\x61a", in_claim=True), "error", 4, (UNREAD,),
           "values"),
    Attack(
        "a tower of JSON",
        lambda s: with_more(s, Assertion("org.x.deep", claims.superbox(
            "json", "org.x.deep", claims.box(b"json", b"[" * 100_000 + b"]" * 100_000)))), "error", 4, (BROKEN,),
    ),
    Attack(
        "a list that says it is endless",
        lambda s: with_more(s, assertion("org.x.len", {"a": Raw(b"\x9b\0\0\0\x7f\xff\xff\xff\xff\1")})), "error", 4,
        (UNREAD,), "beyond its box",
    ),
    Attack(
        "a string that says it is endless",
        lambda s: with_more(s, assertion("org.x.len", {"a": Raw(b"\x5b\0\0\0\x7f\xff\xff\xff\xff\1")})), "error", 4,
        (UNREAD,), "beyond its box",
    ),
    Attack("a box without an end", lambda s: stored(b"\xff\xff\xff\xffjumb" + bytes(40)), "error", 4, (BROKEN,)),
    Attack("a box of 2 to the 62nd", lambda s: stored(b"\0\0\0\1jumb\x40" + bytes(47)), "error", 4, (BROKEN,)),
)  # fmt: skip


@pytest.mark.parametrize("attack", CLAIMS, ids=names(CLAIMS))
def test_what_a_claim_may_say(attack: Attack, studios: Studios, tmp_path: Path) -> None:
    run(attack, studios, tmp_path)


@pytest.mark.parametrize("attack", COST, ids=names(COST))
def test_what_a_claim_may_cost(attack: Attack, studios: Studios, tmp_path: Path) -> None:
    run(attack, studios, tmp_path)


def test_the_command_says_the_same(studios: Studios, tmp_path: Path) -> None:
    run_command([*CLAIMS, *COST], studios, tmp_path)
