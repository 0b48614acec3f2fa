"""Entries that break one rule of SPEC 6, and leaves that are none of SPEC 3."""

from __future__ import annotations

import json

from cases import RUN, Case, case, finished, loose, started
from forge import NOW, Forge, hex32, hex64, raw_envelope, signer, wrong_signature
from personactl_ledger import parse_entry
from personactl_ledger.envelope import write_envelope


@case
def rule_signature_fail() -> Case:
    forge = Forge()
    payload = parse_entry(forge.say("note", forge.operator, ("note", hex64("x")), text="x")).payload
    forge.append(wrong_signature(payload, forge.operator.key_id, signer("another")))
    return finished("The signature is by another key than it says.", forge, "ledger.signature")


@case
def rule_signer_unknown_fail() -> Case:
    forge = Forge()
    forge.note("x", by=signer("another"))
    return finished("A signer that nobody enrolled.", forge, "ledger.signer-unknown")


@case
def rule_signer_role_fail() -> Case:
    forge = Forge()
    forge.key_add("person", signer("person").public_key, by=forge.operator)
    return finished("A key-add signed by the operator.", forge, "ledger.signer-role")


@case
def rule_two_signers_fail() -> Case:
    forge = Forge()
    forge.key_add("operator", signer("second operator").public_key)
    leaf = parse_entry(forge.say("note", forge.operator, ("note", hex64("x")), text="x"))
    other = parse_entry(forge.say("note", signer("second operator"), ("note", hex64("x")), text="x"))
    forge.append(write_envelope(leaf.payload, [*leaf.signatures, *other.signatures]))
    return finished("Two signers where one is allowed.", forge, "ledger.signer-role")


@case
def rule_signer_retired_fail() -> Case:
    forge = Forge()
    forge.append(forge.say("key-retire", forge.root, ("key", hex64("op")), kid=forge.operator.key_id, retiredAt=NOW))
    forge.note("x")
    return finished("Signed after the key was retired.", forge, "ledger.signer-retired")


@case
def rule_signer_revoked_fail() -> Case:
    forge = started()
    said = {"kid": signer("run").key_id, "fromIndex": 5, "revokedAt": NOW}
    forge.append(forge.say("key-revoke", forge.root, ("key", hex64("run")), **said))
    forge.output(RUN, "snow", signer("run"))
    return finished("Signed after the key was revoked.", forge, "ledger.signer-revoked")


@case
def rule_origin_fail() -> Case:
    forge = Forge()
    forge.origin, right = "vectors.example/personactl/0000000000000000", forge.origin
    leaf = forge.say("note", forge.operator, ("note", hex64("x")), text="x")
    forge.origin = right
    forge.append(leaf)
    return finished("An entry of another ledger.", forge, "ledger.origin")


@case
def rule_second_genesis_fail() -> Case:
    forge = Forge()
    forge.append(Forge(domain="elsewhere.example").store.leaf(0)[0])
    return finished("A genesis that is not the first entry.", forge, "ledger.genesis")


@case
def rule_key_twice_fail() -> Case:
    forge = Forge(loose=True)
    forge.key_add("person", forge.operator.public_key)
    return loose("The operator's key is enrolled as a person's too.", forge, "ledger.key-twice")


@case
def rule_weak_key_fail() -> Case:
    forge = Forge()
    order_eight = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
    forge.key_add("person", order_eight.to_bytes(32, "little"))
    return finished("A person's key is a point of order eight.", forge, "ledger.key-weak")


@case
def rule_unreduced_key_fail() -> Case:
    forge = Forge()
    forge.key_add("person", (2**255 - 19 + 3).to_bytes(32, "little"))
    return finished("A person's key is written with y = p + 3.", forge, "ledger.key-weak")


@case
def rule_run_unknown_fail() -> Case:
    forge = Forge()
    forge.output(RUN, "rain", signer("run"))
    return finished("An output of a run that was never opened.", forge, "ledger.run-unknown")


@case
def rule_run_key_stale_fail() -> Case:
    forge = started()
    forge.run_open(RUN, signer("run-again"))
    forge.output(RUN, "snow", signer("run"))
    return finished("Signed by the run key of an earlier start.", forge, "ledger.run-key")


@case
def rule_run_closed_fail() -> Case:
    forge = started()
    forge.run_close(RUN, 3, 4, 1, 0)
    forge.output(RUN, "snow", signer("run"))
    return finished("An output after the run was closed.", forge, "ledger.run-closed")


@case
def rule_run_counts_fail() -> Case:
    forge = started()
    forge.run_close(RUN, 3, 4, 2, 0)
    return finished("The run-close counts two outputs, and there is one.", forge, "ledger.run-counts")


@case
def rule_run_sum_fail() -> Case:
    forge = started()
    forge.run_close(RUN, 3, 4, 1, 0, done=2)
    return finished("done + failed + rejected + skipped is not planned.", forge, "ledger.run-counts")


@case
def rule_entry_id_twice_fail() -> Case:
    forge = started(loose=True)
    forge.output(RUN, "snow", signer("run"), entryId=hex32("id rain"))
    return loose("Two outputs with one entryId.", forge, "ledger.entry-id-twice")


@case
def rule_job_key_twice_fail() -> Case:
    forge = started()
    forge.output(RUN, "snow", signer("run"), jobKey=hex64("job rain"))
    return finished("Two standing outputs of one job.", forge, "ledger.job-key-twice")


@case
def rule_void_target_fail() -> Case:
    forge = started()
    forge.void(RUN, "rain", signer("run"), 4, jobKey=hex64("another job"))
    return finished("A void that does not repeat the jobKey of the output.", forge, "ledger.void-target")


@case
def rule_void_twice_fail() -> Case:
    forge = started(loose=True)
    forge.void(RUN, "rain", signer("run"), 4)
    forge.void(RUN, "rain", signer("run"), 4, reason="again")
    return loose("An output is voided twice.", forge, "ledger.void-target")


def statement_text(forge: Forge, predicate: str, **changed: str) -> bytes:
    parts = {
        "type": "https://in-toto.io/Statement/v1", "kind": "urn:personactl:predicate:note:1", "name": "note", **changed
    }  # fmt: skip
    return (
        f'{{"_type":"{parts["type"]}","predicate":{{"origin":"{forge.origin}"{predicate}}},'
        f'"predicateType":"{parts["kind"]}","subject":[{{"digest":{{"sha256":"{hex64("x")}"}},"name":"{parts["name"]}"}}]}}'
    ).encode()


def leaf_case(why: str, code: str, predicate: str = "", **changed: str) -> Case:
    forge = Forge()
    leaf = raw_envelope(statement_text(forge, predicate, **changed), forge.operator)
    forge.append_raw(leaf, "note")
    return finished(why, forge, code)


@case
def leaf_float_fail() -> Case:
    return leaf_case("A payload with a fraction.", "ledger.profile", ',"text":0.5')


@case
def leaf_wide_integer_fail() -> Case:
    return leaf_case("A payload with 2^53.", "ledger.profile", ',"text":9007199254740992')


@case
def leaf_duplicate_key_fail() -> Case:
    return leaf_case("A payload with one key twice.", "ledger.profile", ',"text":"a","text":"b"')


@case
def leaf_key_order_fail() -> Case:
    return leaf_case("A payload whose keys are not in order.", "ledger.profile", ',"b":1,"a":1')


@case
def leaf_predicate_type_fail() -> Case:
    return leaf_case("A predicate type that is none of a ledger.", "ledger.statement",
                     kind="https://slsa.dev/provenance/v1")  # fmt: skip


@case
def leaf_time_fail() -> Case:
    forge = Forge()
    leaf = forge.say("key-retire", forge.root, ("key", hex64("op")), kid=forge.operator.key_id, retiredAt="yesterday")
    forge.append_raw(leaf, "key-retire")
    return finished("A key-retire whose time has another form.", forge, "ledger.predicate")


@case
def leaf_sealed_name_fail() -> Case:
    return leaf_case("A sealed field with a name that is none.", "ledger.predicate",
                     f',"sealed":{{"Prompt text":"{hex64("x")}"}}')  # fmt: skip


@case
def leaf_surrogate_fail() -> Case:
    return leaf_case("A text with half of a surrogate pair.", "ledger.profile", ',"text":"\\ud800"')


@case
def rule_root_threshold_fail() -> Case:
    forge = Forge(second_root=signer("second root"))
    forge.second_root = None
    forge.key_add("person", signer("person").public_key)
    return finished("One root key signed, and the genesis asks for two.", forge, "ledger.root-threshold")


@case
def rule_kind_unknown_signer_fail() -> Case:
    forge = Forge()
    forge.append_later("gift", 1, forge.root)
    return finished("A kind of a later version, signed by a key that is not an operator's.", forge,
                    "ledger.signer-role")  # fmt: skip


@case
def rule_run_plan_fail() -> Case:
    forge = started()
    forge.run_open(RUN, signer("run-again"), planned=3)
    return finished("A later start of a run plans another number of pictures.", forge, "ledger.run-plan")


@case
def rule_persona_twice_fail() -> Case:
    forge = Forge()
    forge.freeze()
    forge.freeze(frozenAt="2026-01-02T05:00:00Z")
    return finished("One version of a persona is frozen twice.", forge, "ledger.persona-twice")


@case
def rule_adoption_entry_id_fail() -> Case:
    forge = started(loose=True)
    forge.adopt("found", entryId=hex32("id rain"))
    return loose("An adoption with the entryId of an output.", forge, "ledger.entry-id-twice")


@case
def rule_withdrawal_target_fail() -> Case:
    forge = started()
    forge.withdraw("rain", 4)
    return finished("A withdrawal that names an output.", forge, "ledger.withdrawal-target")


@case
def leaf_statement_type_fail() -> Case:
    return leaf_case("Statement v0.1.", "ledger.statement", type="https://in-toto.io/Statement/v0.1")


@case
def leaf_subject_control_fail() -> Case:
    return leaf_case("A subject name with an escape character.", "ledger.statement", name="\\u001b[2J")


@case
def leaf_field_missing_fail() -> Case:
    return leaf_case("A run-open without its fields.", "ledger.predicate", kind="urn:personactl:predicate:run-open:1")


@case
def leaf_envelope_space_fail() -> Case:
    forge = Forge()
    leaf = forge.say("note", forge.operator, ("note", hex64("x")), text="x")
    forge.append_raw(leaf.replace(b",", b", ", 1), "note")
    return finished("An envelope with a space in it.", forge, "ledger.envelope")


@case
def leaf_signature_twice_fail() -> Case:
    forge = Forge()
    leaf = json.loads(forge.say("note", forge.operator, ("note", hex64("x")), text="x"))
    leaf["signatures"] *= 2
    forge.append_raw(json.dumps(leaf, separators=(",", ":"), sort_keys=True).encode(), "note")
    return finished("An envelope that one key signed twice.", forge, "ledger.envelope")
