"""Keys over time: rotation, revocation by the verifier, trust entries (SPEC 6.4, 6.6, 6.12, 7.2, 7.3, 9.1)."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from cases import RUN, Case, Files, case, finished, ledger
from cases_receipt import delivered, receipt
from forge import NOW, Forge, dumps, hex64, log_signer, signer
from personactl_ledger import parse_entry
from personactl_ledger.envelope import EnvelopeSignature, pae, write_envelope

NEW_LOG = "new log"


def rotated_log(forge: Forge) -> None:
    """The next ledger key takes over: enrolled, one checkpoint by both, the old one retired."""
    new = log_signer(NEW_LOG)
    forge.key_add("ledger", new.public_key, vkeys=new.vkeys(forge.origin))
    forge.checkpoint(more=(new,))
    retire(forge, forge.log.key_id)


def retire(forge: Forge, kid: str) -> int:
    return forge.append(forge.say("key-retire", forge.root, ("key", hex64(kid)), kid=kid, retiredAt=NOW))


def both_logs(forge: Forge) -> dict[str, Any]:
    return forge.trust(logKeys=[*forge.log.vkeys(forge.origin), *log_signer(NEW_LOG).vkeys(forge.origin)])


def persons(forge: Forge, *names: str) -> list[str]:
    """Enrol a key for each name; the key ids."""
    for name in names:
        forge.key_add("person", signer(name).public_key)
    return [signer(name).key_id for name in names]


def trust_leaf(forge: Forge, version: object, threshold: int, keys: list[str], **changed: Any) -> bytes:
    said = {"version": version, "approvers": {"threshold": threshold, "keys": keys}, "witnesses": None, "setAt": NOW}
    by = changed.pop("by", forge.root)
    return forge.say("trust", by, ("trust", hex64(f"trust {version}")), **(said | changed))


def refused_form(why: str, threshold: int, names: list[str], *, version: object = 1, **changed: Any) -> Case:
    """A trust entry whose fields have a wrong form."""
    forge = Forge()
    keys = persons(forge, *dict.fromkeys(names))
    listed = [signer(name).key_id for name in names] if keys else []
    forge.append_raw(trust_leaf(forge, version, threshold, listed, **changed), "trust")
    return finished(why, forge, "ledger.predicate")


def revoked(kid: str, start: int) -> list[dict[str, Any]]:
    return [{"kid": kid, "fromIndex": start}]


# --- rotation --------------------------------------------------------------------------------------------------------


@case
def ledger_rotation() -> Case:
    forge = Forge()
    forge.note("before")
    forge.checkpoint()
    before = str(forge.connection.execute("SELECT note FROM checkpoint").fetchone()[0])
    rotated_log(forge)
    forge.checkpoint(log=log_signer(NEW_LOG))
    files: Files = {"trust.json": dumps(both_logs(forge)), "earlier": before}
    return ledger("A ledger key takes over from another: one checkpoint is signed by both, the next by the new one.",
                  forge, anchors=["earlier"], files=files)  # fmt: skip


@case
def ledger_rotation_root() -> Case:
    forge = Forge()
    old, forge.root = forge.root, signer("next root")
    forge.key_add("root", forge.root.public_key, by=old)
    retire(forge, old.key_id)
    next_operator = signer("next operator")
    forge.key_add("operator", next_operator.public_key)
    retire(forge, forge.operator.key_id)
    forge.note("by the next operator", by=next_operator)
    forge.checkpoint()
    forge.root = old
    return ledger("The root key is followed by another, which then follows the operator's.", forge)


@case
def ledger_checkpoint_retired_fail() -> Case:
    forge = Forge()
    rotated_log(forge)
    forge.checkpoint()
    files: Files = {"trust.json": dumps(both_logs(forge))}
    return ledger("A checkpoint by a ledger key that was retired below its size.", forge, "ledger.checkpoint-signature",
                  files=files)  # fmt: skip


@case
def ledger_checkpoint_early_fail() -> Case:
    forge = Forge()
    forge.checkpoint(log=log_signer(NEW_LOG))
    new = log_signer(NEW_LOG)
    forge.key_add("ledger", new.public_key, vkeys=new.vkeys(forge.origin))
    forge.checkpoint(log=new)
    files: Files = {"trust.json": dumps(both_logs(forge))}
    return ledger("A checkpoint by a ledger key over entries that do not enrol it yet.", forge,
                  "ledger.checkpoint-signature", files=files)  # fmt: skip


@case
def receipt_rotation_old_trust() -> Case:
    forge = rotating()
    return receipt("The checkpoint is signed by two ledger keys; the trust file knows the old one only.",
                   data=forge.receipt(4), trust=forge.trust())  # fmt: skip


@case
def receipt_rotation_new_trust() -> Case:
    forge = rotating()
    trust = forge.trust(logKeys=list(log_signer(NEW_LOG).vkeys(forge.origin)))
    return receipt("The checkpoint is signed by two ledger keys; the trust file knows the new one only.",
                   data=forge.receipt(4), trust=trust)  # fmt: skip


@case
def receipt_rotation_wrong_line_fail() -> Case:
    forge = rotating()
    text = json.loads(forge.receipt(4))
    name, _, line = text["proof"].rstrip("\n").rpartition(" ")
    text["proof"] = f"{name} {line[:8]}{'A' * (len(line) - 9)}=\n"
    return receipt("Of the two ledger keys' lines the new one is wrong.", "receipt.log-signature",
                   data=dumps(text).encode(), trust=both_logs(forge))  # fmt: skip


def rotating() -> Forge:
    """`delivered`, and then the moment at which both ledger keys sign."""
    forge = delivered()
    new = log_signer(NEW_LOG)
    forge.key_add("ledger", new.public_key, vkeys=new.vkeys(forge.origin))
    forge.checkpoint(more=(new,))
    return forge


@case
def rule_resigned_retired_fail() -> Case:
    forge = Forge()
    old, forge.operator = forge.operator, signer("next operator")
    forge.key_add("operator", forge.operator.public_key)
    retire(forge, old.key_id)
    entry = parse_entry(forge.say("note", forge.operator, ("note", hex64("x")), text="x", notedAt=NOW))
    forge.append(write_envelope(entry.payload, [EnvelopeSignature(old.key_id, old.sign(pae(entry.payload)))]))
    return finished("An entry of the next operator, signed again by the retired one.", forge, "ledger.signer-retired")


@case
def rule_root_resigned_retired_fail() -> Case:
    forge = Forge()
    old, forge.root = forge.root, signer("next root")
    forge.key_add("root", forge.root.public_key, by=old)
    retire(forge, old.key_id)
    entry = parse_entry(trust_leaf(forge, 1, 1, persons(forge, "ann")))
    more = EnvelopeSignature(old.key_id, old.sign(pae(entry.payload)))
    forge.append(write_envelope(entry.payload, [*entry.signatures, more]))
    forge.root = old
    return finished("The retired root key signs along with its successor.", forge, "ledger.signer-retired")


@case
def rule_signer_two_ids_fail() -> Case:
    forge = Forge()
    persons(forge, "ann")
    said = {"run": RUN, "decision": "approved", "decidedAt": NOW}
    entry = parse_entry(forge.say("approval", signer("ann"), ("decisions", hex64("decisions")), **said))
    again = "SHA256:" + b64encode(bytes(32)).decode()
    forge.append(
        write_envelope(entry.payload, [*entry.signatures, EnvelopeSignature(again, entry.signatures[0].signature)])
    )
    return finished("One person's signature stands under two key ids.", forge, "ledger.signer-unknown")


@case
def leaf_signatures_seventeen_fail() -> Case:
    forge = Forge()
    leaf = json.loads(forge.say("approval", signer("0"), ("decisions", hex64("x")), decision="approved"))
    message = pae(parse_entry(json.dumps(leaf, separators=(",", ":"), sort_keys=True).encode()).payload)
    people = [signer(str(number)) for number in range(17)]
    leaf["signatures"] = [{"keyid": p.key_id, "sig": b64encode(p.sign(message)).decode()} for p in people]
    forge.append_raw(json.dumps(leaf, separators=(",", ":"), sort_keys=True).encode(), "approval")
    return finished("An envelope that seventeen people signed.", forge, "ledger.envelope")


# --- revoked by the trust file ---------------------------------------------------------------------------------------


@case
def receipt_revoked_fail() -> Case:
    trust = delivered().trust(revoked=revoked(signer("run").key_id, 4))
    return receipt("The trust file believes the signer only below this entry.", "receipt.revoked", exit_code=5,
                   trust=trust)  # fmt: skip


@case
def receipt_revoked_certifier_fail() -> Case:
    trust = delivered().trust(revoked=revoked(signer("operator").key_id, 3))
    return receipt("The run key was certified by an operator key that the trust file revokes from there.",
                   "receipt.revoked", exit_code=5, trust=trust)  # fmt: skip


@case
def receipt_revoked_root_fail() -> Case:
    trust = delivered().trust(revoked=revoked(signer("root").key_id, 1))
    return receipt("The trust file revokes the root key from before the operator's key-add.", "receipt.revoked",
                   exit_code=5, trust=trust)  # fmt: skip


@case
def receipt_revoked_log_key_fail() -> Case:
    trust = delivered().trust(revoked=revoked(log_signer().key_id, 5))
    return receipt("The trust file revokes the ledger key from before the size of the checkpoint.", "receipt.revoked",
                   exit_code=5, trust=trust)  # fmt: skip


@case
def receipt_revoked_later() -> Case:
    items = [*revoked(signer("run").key_id, 5), *revoked(signer("operator").key_id, 4),
             *revoked(log_signer().key_id, 6), *revoked(signer("root").key_id, 3),
             *revoked(signer("stranger").key_id, 0)]  # fmt: skip
    return receipt(
        "Every key of the receipt is revoked from after what it signed.", trust=delivered().trust(revoked=items)
    )


@case
def receipt_revoked_log_key_followed() -> Case:
    forge = rotating()
    trust = both_logs(forge) | {"revoked": revoked(forge.log.key_id, 3)}
    return receipt("The old ledger key is revoked; the new one signed the same checkpoint.", data=forge.receipt(4),
                   trust=trust)  # fmt: skip


@case
def ledger_revoked_by_trust() -> Case:
    forge = delivered()
    files: Files = {"trust.json": dumps(forge.trust(revoked=revoked(forge.operator.key_id, 5)))}
    return ledger("The trust file believes the operator below entry 5; the ledger does not know of it.", forge,
                  warning="ledger.distrusted", files=files)  # fmt: skip


@case
def ledger_revoked_log_key_fail() -> Case:
    forge = delivered()
    files: Files = {"trust.json": dumps(forge.trust(revoked=revoked(forge.log.key_id, 5)))}
    return ledger("The trust file revokes the ledger key from before the latest checkpoint; nothing else signed it.",
                  forge, "ledger.trust-log-key", exit_code=5, files=files)  # fmt: skip


@case
def ledger_revoked_root_fail() -> Case:
    forge = delivered()
    files: Files = {"trust.json": dumps(forge.trust(revoked=revoked(forge.root.key_id, 0)))}
    return ledger("The trust file revokes the root key from the genesis on.", forge, "ledger.trust-root", exit_code=5,
                  files=files)  # fmt: skip


# --- trust entries ---------------------------------------------------------------------------------------------------


@case
def ledger_trust_entries() -> Case:
    forge = Forge()
    ann, bob = persons(forge, "ann", "bob")
    forge.append(trust_leaf(forge, 1, 2, [ann, bob]))
    forge.append(trust_leaf(forge, 2, 1, [bob], witnesses={"quorum": 0, "vkeys": []}))
    forge.append(trust_leaf(forge, 3, 1, [], approvers=None))
    forge.checkpoint()
    return ledger("Three versions of who approves, the last naming nobody.", forge)


@case
def trust_threshold_zero_fail() -> Case:
    return refused_form("A trust entry that asks for no approver.", 0, ["ann"])


@case
def trust_threshold_high_fail() -> Case:
    return refused_form("A trust entry that asks for more approvers than it names.", 2, ["ann"])


@case
def trust_approver_twice_fail() -> Case:
    return refused_form("A trust entry that names one approver twice.", 2, ["ann", "ann"])


@case
def trust_quorum_high_fail() -> Case:
    return refused_form("A trust entry that asks for more witnesses than it names.", 1, ["ann"],
                        witnesses={"quorum": 1, "vkeys": []})  # fmt: skip


@case
def trust_version_absent_fail() -> Case:
    return refused_form("A trust entry without a number for its version.", 1, ["ann"], version="1")


@case
def trust_approver_unknown_fail() -> Case:
    forge = Forge()
    forge.append(trust_leaf(forge, 1, 1, [*persons(forge, "ann"), signer("stranger").key_id]))
    return finished("A trust entry names a key that nobody enrolled.", forge, "ledger.trust-approver")


@case
def trust_approver_operator_fail() -> Case:
    forge = Forge()
    forge.append(trust_leaf(forge, 1, 1, [forge.operator.key_id]))
    return finished("A trust entry names the operator's key.", forge, "ledger.trust-approver")


@case
def trust_approver_retired_fail() -> Case:
    forge = Forge()
    (ann,) = persons(forge, "ann")
    retire(forge, ann)
    forge.append(trust_leaf(forge, 1, 1, [ann]))
    return finished("A trust entry names a person whose key was retired.", forge, "ledger.trust-approver")


@case
def trust_version_skipped_fail() -> Case:
    forge = Forge()
    (ann,) = persons(forge, "ann")
    forge.append(trust_leaf(forge, 1, 1, [ann]))
    forge.append(trust_leaf(forge, 3, 1, [ann]))
    return finished("A version of the trust entry is left out.", forge, "ledger.trust-version")


@case
def trust_version_again_fail() -> Case:
    forge = Forge()
    ann, bob = persons(forge, "ann", "bob")
    forge.append(trust_leaf(forge, 1, 2, [ann, bob]))
    forge.append(trust_leaf(forge, 1, 1, [ann]))
    return finished("A version of the trust entry comes a second time.", forge, "ledger.trust-version")


@case
def trust_signer_fail() -> Case:
    forge = Forge()
    forge.append(trust_leaf(forge, 1, 1, persons(forge, "ann"), by=forge.operator))
    return finished("A trust entry signed by the operator.", forge, "ledger.signer-role")


@case
def trust_root_threshold_fail() -> Case:
    forge = Forge(second_root=signer("second root"))
    forge.append(trust_leaf(forge, 1, 1, persons(forge, "ann")))
    return finished("A trust entry by one root key, where two must sign.", forge, "ledger.root-threshold")
