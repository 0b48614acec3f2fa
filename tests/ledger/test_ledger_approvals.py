"""Approvals are counted by person, by latest word, and only where they hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from ledger_bench import NOW, PLAN, Bench, forge
from personactl_ledger import (
    Approval,
    Draft,
    Ed25519Signer,
    FormatError,
    Ledger,
    LedgerError,
    ProfileError,
    check,
    key_add_leaf,
    sign_entry,
    statement,
)
from personactl_ledger.envelope import EnvelopeSignature, write_envelope

FILE = forge.hex64("the picture")
OTHER = forge.hex64("another picture")
ANN, BOB, CAT = (forge.signer(name) for name in ("ann", "bob", "cat"))
TWO_OF_THREE = (2, (ANN.public_key, BOB.public_key, CAT.public_key))


@pytest.fixture
def people(bench: Bench, ledger: Ledger) -> Iterator[Ledger]:
    """The open ledger with three persons enrolled, at 4 to 6."""
    ledger.append([enrolment(bench, person) for person in (ANN, BOB, CAT)], now=NOW)
    yield ledger


def enrolment(bench: Bench, person: Ed25519Signer) -> Draft:
    return Draft(
        key_add_leaf(origin=bench.origin, role="person", public_key=person.public_key, root=bench.root, now=NOW)
    )


def say(bench: Bench, decision: object, *by: Ed25519Signer, sha256: str = FILE, **more: object) -> Draft:
    said = {"origin": bench.origin, "decision": decision, "decidedAt": NOW, **more}
    return Draft(sign_entry(statement("approval", subject=("decisions", sha256), predicate=said), *by))


def trust(bench: Bench, version: int, threshold: int, *people: Ed25519Signer) -> Draft:
    approvers = {"threshold": threshold, "keys": [person.key_id for person in people]} if people else None
    return bench.draft("trust", bench.root, version=version, approvers=approvers, witnesses=None, setAt=NOW)


def told(found: Approval) -> tuple[str, list[str]]:
    names = {person.key_id: name for name, person in (("ann", ANN), ("bob", BOB), ("cat", CAT))}
    return found.verdict, [f"{names[word.key_id]} {word.decision}" for word in found.counted]


def test_two_of_three(bench: Bench, people: Ledger) -> None:
    assert told(people.approval(FILE, approvers=TWO_OF_THREE)) == ("pending", [])
    people.append([say(bench, "approved", ANN)], now=NOW)
    assert told(people.approval(FILE, approvers=TWO_OF_THREE)) == ("pending", ["ann approved"])
    people.append([say(bench, "rejected", CAT)], now=NOW)
    assert told(people.approval(FILE, approvers=TWO_OF_THREE))[0] == "pending"
    people.append([say(bench, "approved", BOB)], now=NOW)
    found = people.approval(FILE, approvers=TWO_OF_THREE)
    assert told(found) == ("approved", ["ann approved", "cat rejected", "bob approved"])
    assert (found.threshold, len(found.approvers), found.by_trust_entry) == (2, 3, None)
    assert people.approval(OTHER, approvers=TWO_OF_THREE).verdict == "pending"


def test_a_word_of_a_stranger_or_about_another_file_does_not_count(bench: Bench, people: Ledger) -> None:
    people.append([say(bench, "approved", ANN), say(bench, "approved", BOB, sha256=OTHER)], now=NOW)
    people.append([say(bench, "approved", CAT)], now=NOW)
    assert told(people.approval(FILE, approvers=(2, TWO_OF_THREE[1][:2]))) == ("pending", ["ann approved"])


def test_the_latest_word_of_a_person_counts(bench: Bench, people: Ledger) -> None:
    people.append([say(bench, "approved", ANN, BOB)], now=NOW)
    assert people.approval(FILE, approvers=TWO_OF_THREE).verdict == "approved"
    people.append([say(bench, "rejected", ANN, reason="the hand")], now=NOW)
    changed = people.approval(FILE, approvers=TWO_OF_THREE)
    assert told(changed) == ("pending", ["bob approved", "ann rejected"])
    assert changed.counted[1].reason == "the hand"
    people.append([say(bench, "rejected", CAT)], now=NOW)
    assert people.approval(FILE, approvers=TWO_OF_THREE).verdict == "rejected"
    people.append([say(bench, "approved", ANN)], now=NOW)
    assert people.approval(FILE, approvers=TWO_OF_THREE).verdict == "approved"


def test_a_file_in_the_excerpt_has_its_own_decision(bench: Bench, people: Ledger) -> None:
    files = [
        {"name": "a.png", "sha256": FILE, "decision": "rejected", "reason": "a sixth finger"},
        {"name": "b.png", "sha256": OTHER, "decision": "approved"},
    ]
    people.append([say(bench, "approved", ANN, sha256=PLAN, files=files)], now=NOW)
    one = (1, (ANN.public_key,))
    assert people.approval(FILE, approvers=one).verdict == "rejected"
    assert people.approval(FILE, approvers=one).counted[0].reason == "a sixth finger"
    assert people.approval(OTHER, approvers=one).verdict == "approved"
    assert people.approval(PLAN, approvers=one).verdict == "approved"


def test_of_several_decisions_about_a_file_in_one_approval_the_last_counts(bench: Bench, people: Ledger) -> None:
    """SPEC 6.11: the subject first, then `files` in their order; an item that says nothing takes nothing back."""
    yes, no, nothing = ({"sha256": FILE, "decision": word} for word in ("approved", "rejected", "maybe"))
    one = (1, (ANN.public_key,))
    for decision, files, verdict in (
        ("approved", [no], "rejected"), ("rejected", [no, yes], "approved"), ("approved", [yes, no], "rejected"),
        ("rejected", [yes, nothing], "approved"), ("approved", [nothing], "approved"),
    ):  # fmt: skip
        people.append([say(bench, decision, ANN, files=files)], now=NOW)
        assert people.approval(FILE, approvers=one).verdict == verdict, (decision, files)


@pytest.mark.parametrize("decision", ["maybe", None, 1, ["approved"], "Approved"])
def test_another_decision_says_nothing(bench: Bench, people: Ledger, decision: object) -> None:
    people.append([say(bench, decision, ANN, files=[7, {"sha256": FILE}, {"sha256": FILE, "decision": {}}])], now=NOW)
    assert told(people.approval(FILE, approvers=(1, (ANN.public_key,)))) == ("pending", [])


def test_one_key_that_is_listed_twice_is_one_approver(bench: Bench, people: Ledger) -> None:
    people.append([say(bench, "approved", ANN)], now=NOW)
    with pytest.raises(ProfileError):
        people.approval(FILE, approvers=(2, (ANN.public_key, ANN.public_key)))
    assert people.approval(FILE, approvers=(1, (ANN.public_key, ANN.public_key))).approvers == (ANN.key_id,)
    doubled = (2, (ANN.public_key, ANN.public_key, BOB.public_key))
    assert told(people.approval(FILE, approvers=doubled)) == ("pending", ["ann approved"])


def test_a_second_signature_under_another_id_is_refused(bench: Bench, people: Ledger) -> None:
    entry = say(bench, "approved", ANN).leaf
    payload = statement("approval", subject=("decisions", FILE), predicate={"origin": bench.origin})
    assert entry
    signature = ANN.sign(b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload))
    pairs = [EnvelopeSignature(ANN.key_id, signature), EnvelopeSignature("SHA256:" + "A" * 43 + "=", signature)]
    with pytest.raises(LedgerError) as refused:
        people.append([Draft(write_envelope(payload, pairs))], now=NOW)
    assert refused.value.code == "ledger.signer-unknown"


def test_seventeen_signatures_in_one_envelope_are_refused(bench: Bench) -> None:
    with pytest.raises(FormatError) as refused:
        say(bench, "approved", *(forge.signer(f"person {number}") for number in range(17)))
    assert refused.value.code == "ledger.envelope"
    assert say(bench, "approved", *(forge.signer(f"person {number}") for number in range(16))).leaf


def test_what_a_person_said_before_the_key_was_retired_stands(bench: Bench, people: Ledger) -> None:
    people.append([say(bench, "approved", ANN)], now=NOW)
    people.append([bench.draft("key-retire", bench.root, kid=ANN.key_id, retiredAt=NOW)], now=NOW)
    assert people.approval(FILE, approvers=(1, (ANN.public_key,))).verdict == "approved"
    with pytest.raises(LedgerError) as refused:
        people.append([say(bench, "rejected", ANN)], now=NOW)
    assert refused.value.code == "ledger.signer-retired"


def test_what_a_stolen_key_said_does_not_stand(bench: Bench, people: Ledger) -> None:
    (first,) = people.append([say(bench, "approved", ANN)], now=NOW)
    (second,) = people.append([say(bench, "approved", ANN, sha256=OTHER)], now=NOW)
    said = {"kid": ANN.key_id, "fromIndex": second, "revokedAt": NOW}
    people.append([bench.draft("key-revoke", bench.root, **said)], now=NOW)
    one = (1, (ANN.public_key,))
    assert people.approval(FILE, approvers=one).verdict == "approved"
    assert people.approval(OTHER, approvers=one).verdict == "pending"
    assert people.approval(FILE, approvers=one, revoked={ANN.key_id: first}).verdict == "pending"


def test_persons_and_trust_entries_of_a_stolen_root_key_do_not_count(bench: Bench, people: Ledger) -> None:
    people.append([trust(bench, 1, 1, ANN), trust(bench, 2, 1, BOB)], now=NOW)
    people.append([say(bench, "approved", BOB)], now=NOW)
    assert people.approval(FILE).verdict == "approved"
    assert people.approval(FILE, revoked={bench.root.key_id: 8}).approvers == (ANN.key_id,)
    assert people.approval(FILE, revoked={bench.root.key_id: 8}).verdict == "pending"
    everybody = (1, (BOB.public_key,))
    assert people.approval(FILE, approvers=everybody, revoked={bench.root.key_id: 8}).verdict == "approved"
    assert people.approval(FILE, approvers=everybody, revoked={bench.root.key_id: 5}).verdict == "pending"


def test_the_trust_entry_below_each_approval_says_who_counts(bench: Bench, people: Ledger) -> None:
    people.append([say(bench, "approved", CAT)], now=NOW)
    assert people.approval(FILE) == Approval(
        verdict="pending", threshold=0, approvers=(), counted=(), by_trust_entry=None
    )
    people.append([trust(bench, 1, 2, ANN, BOB)], now=NOW)
    people.append([say(bench, "approved", ANN), say(bench, "approved", CAT, reason="still")], now=NOW)
    assert told(people.approval(FILE)) == ("pending", ["ann approved"])
    people.append([trust(bench, 2, 1, CAT)], now=NOW)
    assert told(people.approval(FILE)) == ("pending", ["ann approved"])  # a lower threshold approves nothing by itself
    people.append([say(bench, "rejected", CAT)], now=NOW)
    found = people.approval(FILE)
    assert told(found) == ("rejected", ["cat rejected"])  # ann is not asked any more
    assert (found.threshold, found.by_trust_entry) == (1, 11)
    people.append([trust(bench, 3, 0), say(bench, "approved", CAT, reason="better")], now=NOW)
    assert told(people.approval(FILE)) == ("rejected", ["cat rejected"])  # nobody is asked since, so nobody answers
    people.checkpoint(bench.log, now=NOW)
    assert check(bench.path).ok


def test_an_entry_that_a_hand_made_file_holds_against_the_rules_says_nothing(bench: Bench) -> None:
    forged = forge.Forge(domain="example.org")
    forged.key_add("person", ANN.public_key)
    said = {"decision": "approved", "decidedAt": NOW}
    payload = statement("approval", subject=("decisions", FILE), predicate={"origin": forged.origin, **said})
    forged.append(forge.wrong_signature(payload, ANN.key_id, BOB))
    forged.append(forged.say("approval", BOB, ("decisions", FILE), **said))
    forged.key_add("person", BOB.public_key)
    stranger = forge.signer("stranger").key_id
    forged.append(forged.say("key-retire", forged.root, ("key", PLAN), kid=stranger, retiredAt=NOW))
    approvers = {"threshold": 1, "keys": [stranger]}
    forged.append(
        forged.say("trust", forged.root, ("trust", PLAN), version=7, approvers=approvers, witnesses=None, setAt=NOW)
    )
    target = sqlite3.connect(bench.path)
    target.executescript(forged.dump())
    target.close()
    with Ledger.open_reader(bench.path) as reader:
        everybody = (1, (ANN.public_key, BOB.public_key))
        assert told(reader.approval(FILE, approvers=everybody)) == ("pending", [])
        assert reader.approval(FILE).verdict == "pending"
        assert reader.trust().approvers is None
