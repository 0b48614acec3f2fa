"""What append refuses: one test for each rule of SPEC 6."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ledger_bench import NOW, PLAN, Bench, forge
from personactl_ledger import (
    Draft,
    FormatError,
    Ledger,
    LedgerError,
    check,
    key_add_leaf,
    parse_entry,
    sign_entry,
    statement,
)
from personactl_ledger.book import MemoryBook
from personactl_ledger.encoding import to_base64
from personactl_ledger.rules import Rules

COUNTS = ("planned", "done", "failed", "rejected", "skipped", "outputs", "rejects", "firstIndex", "lastIndex")
Make = Callable[[Bench, Ledger], Draft]


def key_add(bench: Bench, role: str, public: bytes, by: object = None, **more: object) -> Draft:
    root = by or bench.root
    return Draft(key_add_leaf(origin=bench.origin, role=role, public_key=public, root=root, now=NOW, **more))


def retire(bench: Bench, ledger: Ledger, kid: str) -> None:
    ledger.append([bench.draft("key-retire", bench.root, kid=kid, retiredAt=NOW)], now=NOW)


def revoke(bench: Bench, ledger: Ledger, kid: str, start: int = 0) -> None:
    ledger.append([bench.draft("key-revoke", bench.root, kid=kid, fromIndex=start, revokedAt=NOW)], now=NOW)


def with_retired_operator(bench: Bench, ledger: Ledger) -> Draft:
    retire(bench, ledger, bench.operator.key_id)
    return bench.note("x")


def with_revoked_operator(bench: Bench, ledger: Ledger) -> Draft:
    revoke(bench, ledger, bench.operator.key_id)
    return bench.note("x")


def with_revoked_run_key(bench: Bench, ledger: Ledger) -> Draft:
    revoke(bench, ledger, bench.run.key_id)
    return bench.output("rain")


def with_stale_run_key(bench: Bench, ledger: Ledger) -> Draft:
    ledger.append([bench.run_open(key=forge.signer("second start"))], now=NOW)
    return bench.output("rain")


def with_closed_run(bench: Bench, ledger: Ledger) -> Draft:
    said = dict.fromkeys(("done", "failed", "rejected", "outputs", "rejects"), 0)
    said |= {"planned": 1, "skipped": 1, "firstIndex": 3, "lastIndex": 3}
    close = bench.draft("run-close", bench.operator, run="r-1", planSha256=PLAN, closedAt=NOW, **said)
    ledger.append([close], now=NOW)
    return bench.output("rain")


def with_output(bench: Bench, ledger: Ledger, make: Callable[[], Draft]) -> Draft:
    ledger.append([bench.output("rain")], now=NOW)
    return make()


def with_entry(bench: Bench, ledger: Ledger, first: Draft, make: Callable[[], Draft]) -> Draft:
    ledger.append([first], now=NOW)
    return make()


def freeze(bench: Bench, version: int, **said: object) -> Draft:
    return bench.draft("persona-freeze", bench.operator, persona={"id": "lira", "version": version}, **said)


def adoption(bench: Bench, **changed: object) -> Draft:
    return bench.draft("adoption", bench.operator, **({"entryId": forge.hex32("id adopted")} | changed))


def withdrawal(bench: Bench, **changed: object) -> Draft:
    return bench.draft(
        "withdrawal", bench.operator, **({"entryId": forge.hex32("id adopted"), "withdraws": 4} | changed)
    )


def later_kind(bench: Bench, ledger: Ledger) -> Draft:
    forged = forge.Forge()
    return Draft(forged.store.leaf(forged.append_later("gift", 1, bench.operator))[0])


def other_origin(bench: Bench, ledger: Ledger) -> Draft:
    bench.origin = bench.origin[:-1] + "x"
    return bench.note("x")


def two_signers(bench: Bench, ledger: Ledger) -> Draft:
    second = forge.signer("second operator")
    ledger.append([key_add(bench, "operator", second.public_key)], now=NOW)
    payload = statement("note", subject=("x", PLAN), predicate={"origin": bench.origin})
    return Draft(sign_entry(payload, bench.operator, second))


def wrong_signature(bench: Bench, ledger: Ledger) -> Draft:
    payload = parse_entry(bench.note("x").leaf).payload
    return Draft(forge.wrong_signature(payload, bench.operator.key_id, forge.signer("stranger")))


CASES: dict[str, tuple[str, int, Make]] = {
    "a second genesis": ("ledger.genesis", 9, lambda b, w: Draft(forge.Forge().store.leaf(0)[0])),
    "an entry of another ledger": ("ledger.origin", 9, other_origin),
    "a wrong signature": ("ledger.signature", 9, wrong_signature),
    "a stranger": ("ledger.signer-unknown", 9, lambda b, w: b.draft("note", forge.signer("stranger"))),
    "the operator on a root kind": ("ledger.signer-role", 9, lambda b, w: key_add(
        b, "person", forge.signer("p").public_key, b.operator)),
    "the root on an operator kind": ("ledger.signer-role", 9, lambda b, w: b.draft("note", b.root)),
    "the operator on an output": ("ledger.run-key", 9, lambda b, w: b.output("rain", key=b.operator)),
    "the operator on an approval": ("ledger.signer-role", 9, lambda b, w: b.draft("approval", b.operator)),
    "two signers where one is allowed": ("ledger.signer-role", 9, two_signers),
    "a retired key": ("ledger.signer-retired", 9, with_retired_operator),
    "a revoked key": ("ledger.signer-revoked", 9, with_revoked_operator),
    "a revoked run key": ("ledger.signer-revoked", 9, with_revoked_run_key),
    "the key of an earlier start": ("ledger.run-key", 9, with_stale_run_key),
    "an unknown run": ("ledger.run-unknown", 9, lambda b, w: b.output("rain", "r-2")),
    "a closed run": ("ledger.run-closed", 9, with_closed_run),
    "a run key used before": ("ledger.key-twice", 9, lambda b, w: b.run_open("r-2")),
    "an enrolled key as run key": ("ledger.key-twice", 9, lambda b, w: b.run_open("r-2", b.operator)),
    "a key enrolled twice": ("ledger.key-twice", 9, lambda b, w: key_add(b, "person", b.operator.public_key)),
    "a root key as a person": ("ledger.key-twice", 9, lambda b, w: key_add(b, "person", b.root.public_key)),
    "a weak key": ("ledger.key-weak", 9, lambda b, w: key_add(b, "person", bytes(32))),
    "a key id of another key": ("ledger.key-id", 4, lambda b, w: b.draft(
        "key-add", b.root, role="person", kid=b.run.key_id, addedAt=NOW,
        publicKey=to_base64(forge.signer("p").public_key))),
    "a ledger key without vkeys": ("ledger.vkey", 4, lambda b, w: key_add(b, "ledger", forge.signer("p").public_key)),
    "vkeys of another key": ("ledger.vkey", 4, lambda b, w: key_add(
        b, "ledger", forge.signer("p").public_key, vkeys=b.log.vkeys(b.origin))),
    "retiring a stranger": ("ledger.key-unknown", 9, lambda b, w: b.draft(
        "key-retire", b.root, kid=forge.signer("p").key_id, retiredAt=NOW)),
    "retiring the last root": ("ledger.key-last", 9, lambda b, w: b.draft(
        "key-retire", b.root, kid=b.root.key_id, retiredAt=NOW)),
    "revoking the last root": ("ledger.key-last", 9, lambda b, w: b.draft(
        "key-revoke", b.root, kid=b.root.key_id, fromIndex=0, revokedAt=NOW)),
    "revoking a stranger": ("ledger.key-unknown", 9, lambda b, w: b.draft(
        "key-revoke", b.root, kid=forge.signer("p").key_id, fromIndex=0, revokedAt=NOW)),
    "revoking from the future": ("ledger.key-revoke-index", 9, lambda b, w: b.draft(
        "key-revoke", b.root, kid=b.run.key_id, fromIndex=5, revokedAt=NOW)),
    "an entryId twice": ("ledger.entry-id-twice", 10, lambda b, w: with_output(
        b, w, lambda: b.output("snow", entryId=forge.hex32("id rain")))),
    "a second standing output": ("ledger.job-key-twice", 10, lambda b, w: with_output(
        b, w, lambda: b.output("snow", jobKey=forge.hex64("job rain")))),
    "a void of something else": ("ledger.void-target", 9, lambda b, w: b.void("rain", 3)),
    "a void of the future": ("ledger.void-target", 9, lambda b, w: b.void("rain", 4)),
    "a void that names another job": ("ledger.void-target", 9, lambda b, w: with_output(
        b, w, lambda: b.void("rain", 4, jobKey=forge.hex64("x")))),
    "a void of another file": ("ledger.void-target", 9, lambda b, w: with_output(
        b, w, lambda: b.void("snow", 4, entryId=forge.hex32("id rain"), jobKey=forge.hex64("job rain")))),
    "a later start with another plan": ("ledger.run-plan", 9, lambda b, w: b.run_open(
        key=forge.signer("second start"), planned=2)),
    "a persona's version frozen twice": ("ledger.persona-twice", 10, lambda b, w: with_entry(
        b, w, freeze(b, 1), lambda: freeze(b, 1, reason="again"))),
    "an adoption with the entryId of an output": ("ledger.entry-id-twice", 10, lambda b, w: with_output(
        b, w, lambda: adoption(b, entryId=forge.hex32("id rain")))),
    "a withdrawal of an output": ("ledger.withdrawal-target", 9, lambda b, w: with_output(
        b, w, lambda: withdrawal(b, entryId=forge.hex32("id rain")))),
    "a withdrawal that names another id": ("ledger.withdrawal-target", 9, lambda b, w: with_entry(
        b, w, adoption(b), lambda: withdrawal(b, entryId=forge.hex32("x")))),
    "a kind of a later version": ("ledger.kind-unknown", 4, later_kind),
    "a time in another form": ("ledger.predicate", 4, lambda b, w: b.draft(
        "key-retire", b.root, kid=b.operator.key_id, retiredAt="2026-01-02 03:04:05")),
    "a close of an unknown run": ("ledger.run-unknown", 9, lambda b, w: b.draft(
        "run-close", b.operator, run="r-2", planSha256=PLAN, closedAt=NOW,
        **dict.fromkeys(COUNTS, 0))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_append_refuses(name: str, bench: Bench, ledger: Ledger) -> None:
    code, exit_code, make = CASES[name]
    draft = make(bench, ledger)
    before = ledger.size
    with pytest.raises(LedgerError) as refused:
        ledger.append([draft], now=NOW)
    assert (refused.value.code, refused.value.exit_code) == (code, exit_code)
    assert ledger.size == before


def test_personas_and_adoptions_may_go_on(bench: Bench, ledger: Ledger) -> None:
    ledger.append([adoption(bench), withdrawal(bench), freeze(bench, 1), freeze(bench, 2)], now=NOW)
    ledger.append([adoption(bench, entryId=forge.hex32("again"))], now=NOW)
    found = ledger.by_entry_id(forge.hex32("again"))
    assert found is not None and found.index == 8
    with pytest.raises(LedgerError) as refused:
        ledger.append([withdrawal(bench)], now=NOW)
    assert refused.value.code == "ledger.withdrawal-target"
    ledger.checkpoint(bench.log, now=NOW)
    assert check(bench.path).ok


def test_as_many_roots_stay_as_must_sign() -> None:
    forged = forge.Forge(second_root=forge.signer("second root"))
    rules = Rules(MemoryBook())
    for index in range(3):
        entry = parse_entry(forged.store.leaf(index)[0])
        rules.admit(index, entry)
        rules.record(index, entry)
    said = {"origin": forged.origin, "kid": forged.root.key_id, "retiredAt": NOW}
    payload = statement("key-retire", subject=("key", PLAN), predicate=said)
    with pytest.raises(LedgerError) as refused:
        rules.admit(3, parse_entry(sign_entry(payload, forged.root, forge.signer("second root"))))
    assert refused.value.code == "ledger.key-last"
    with pytest.raises(LedgerError) as refused:
        rules.admit(3, parse_entry(sign_entry(payload, forged.root)))
    assert refused.value.code == "ledger.root-threshold"


def test_a_voided_output_makes_room_for_another(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.output("rain"), bench.void("rain", 4)], now=NOW)
    ledger.append([bench.output("rain", entryId=forge.hex32("second"))], now=NOW)
    with pytest.raises(LedgerError):
        ledger.append([bench.void("rain", 4)], now=NOW)


def test_a_second_root_may_take_over(bench: Bench, ledger: Ledger) -> None:
    second = forge.signer("second root")
    ledger.append([key_add(bench, "root", second.public_key)], now=NOW)
    ledger.append([bench.draft("key-retire", second, kid=bench.root.key_id, retiredAt=NOW)], now=NOW)
    with pytest.raises(LedgerError) as refused:
        ledger.append([bench.draft("key-retire", bench.root, kid=second.key_id, retiredAt=NOW)], now=NOW)
    assert refused.value.code == "ledger.signer-retired"


def test_the_ledger_key_can_be_changed(bench: Bench, ledger: Ledger) -> None:
    ledger.checkpoint(bench.log, now=NOW)
    new = forge.log_signer("new log")
    ledger.append([key_add(bench, "ledger", new.public_key, vkeys=new.vkeys(bench.origin))], now=NOW)
    retire(bench, ledger, forge.signer("log").key_id)
    with pytest.raises(LedgerError):
        ledger.checkpoint(bench.log, now=NOW)
    assert ledger.checkpoint(new, now=NOW).size == ledger.size


def test_several_persons_sign_one_approval_and_each_counts_once(bench: Bench, ledger: Ledger) -> None:
    persons = [forge.signer(name) for name in ("ann", "bob")]
    ledger.append([key_add(bench, "person", person.public_key) for person in persons], now=NOW)
    payload = statement("approval", subject=("decisions", PLAN), predicate={"origin": bench.origin})
    (index,) = ledger.append([Draft(sign_entry(payload, *persons))], now=NOW)
    assert ledger.entry(index).entry.key_ids == tuple(person.key_id for person in persons)
    with pytest.raises(FormatError):
        sign_entry(payload, persons[0], persons[0])
