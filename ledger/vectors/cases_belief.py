"""Whom to believe once keys were revoked: heads by stolen keys, and the innocent logs beside them (SPEC 9.1, 12.8)."""

from __future__ import annotations

import sqlite3
from typing import Any

from cases import RUN, Case, Files, case, good, ledger
from cases_lifecycle import misbehaviour, proof
from cases_receipt import receipt
from cases_witness import SECONDS, asks, keep, vkeys, witness
from cases_witness import delivered as witnessed
from cases_witness import receipt as witness_receipt
from forge import DOMAIN, NOW, Forge, dumps, hex32, hex64, log_signer, schema_sql, signer
from forge_export import HEAD, JSONL, Made, excerpt, exported
from personactl_ledger import Ed25519Signer, parse_checkpoint, parse_entry, sign_entry
from personactl_ledger.checkpoint import sign_checkpoint
from personactl_ledger.encoding import to_base64
from personactl_ledger.founding import genesis_leaf
from personactl_ledger.growth import Growth
from personactl_ledger.rules import origin_of
from personactl_ledger.statement import statement
from personactl_ledger.store import Store

SECOND, THIRD, THIEF_ROOT = signer("second root"), signer("third root"), signer("thief root")
THIEF, NEW_LOG = log_signer("thief log"), log_signer("new log")


def revoke(forge: Forge, kid: str, start: int, by: Ed25519Signer) -> int:
    return forge.append(forge.say("key-revoke", by, ("key", hex64(kid)), kid=kid, fromIndex=start, revokedAt=NOW))


def enrol_log(forge: Forge, key: Any, by: Ed25519Signer | None = None) -> int:
    return forge.key_add("ledger", key.public_key, vkeys=key.vkeys(forge.origin), by=by)


def robbed() -> Forge:
    """The root key is stolen from entry 4 on: the thief enrols a ledger key, and a root key that enrols another."""
    forge = Forge()
    forge.key_add("root", SECOND.public_key)  # 3
    enrol_log(forge, THIEF)  # 4, by the thief
    forge.key_add("root", THIEF_ROOT.public_key)  # 5, by the thief
    enrol_log(forge, log_signer("thief log 2"), by=THIEF_ROOT)  # 6
    return forge


def found_out() -> Forge:
    """`robbed`, and the second root key says so at entry 7."""
    forge = robbed()
    revoke(forge, forge.root.key_id, 4, SECOND)
    forge.note("work goes on")
    return forge


def said(forge: Forge, size: int, *keys: Any, root: bytes = bytes(32)) -> str:
    """A checkpoint that is in no file."""
    return sign_checkpoint(forge.origin, size, root, *keys, now=NOW).note


def all_logs(forge: Forge, **more: Any) -> dict[str, Any]:
    """A trust file that lists the thief's ledger keys too: what it revokes must be enough."""
    keys = (forge.log, THIEF, log_signer("thief log 2"), NEW_LOG)
    return forge.trust(logKeys=[line for key in keys for line in key.vkeys(forge.origin)], **more)


def stolen(forge: Forge, start: int = 4) -> list[dict[str, Any]]:
    return [{"kid": forge.root.key_id, "fromIndex": start}]


def with_anchor(why: str, forge: Forge, anchor: str, trust: dict[str, Any], code: str = "", **more: Any) -> Case:
    files: Files = {"trust.json": dumps(trust), "anchor": anchor}
    return ledger(why, forge, code, anchors=["anchor"], files=files, **more)


def doubtful(why: str, forge: Forge, anchor: str, trust: dict[str, Any]) -> Case:
    """The anchor proves nothing, and convicts nobody."""
    return with_anchor(why, forge, anchor, trust, warning="ledger.distrusted", unanchored=True)


# --- what a stolen root key enrolled ----------------------------------------------------------------------------------


@case
def ledger_fallen_checkpoint_fail() -> Case:
    forge = found_out()
    forge.checkpoint(log=THIEF)
    files: Files = {"trust.json": dumps(all_logs(forge))}
    return ledger("The latest checkpoint is by a ledger key that a stolen root key enrolled.", forge,
                  "ledger.trust-log-key", exit_code=5, files=files)  # fmt: skip


@case
def ledger_fallen_checkpoint_trust_fail() -> Case:
    forge = robbed()
    forge.checkpoint(log=log_signer("thief log 2"))
    files: Files = {"trust.json": dumps(all_logs(forge, revoked=stolen(forge)))}
    return ledger("As before, two keys further on; only the trust file knows of the theft.", forge,
                  "ledger.trust-log-key", exit_code=5, files=files)  # fmt: skip


@case
def ledger_fallen_anchor() -> Case:
    forge = found_out()
    forge.checkpoint()
    return doubtful("An anchor that the thief's ledger key made up does not convict the file.", forge,
                    said(forge, 9, THIEF), forge.trust())  # fmt: skip


@case
def ledger_fallen_anchor_early() -> Case:
    forge = found_out()
    forge.checkpoint()
    return doubtful("The thief's ledger key signed a tree that is smaller than where it was enrolled.", forge,
                    said(forge, 2, THIEF), all_logs(forge))  # fmt: skip


@case
def ledger_fallen_anchor_trust() -> Case:
    forge = robbed()
    forge.checkpoint()
    return doubtful("An anchor over more entries than the file has, by a key that the trust file makes fall.", forge,
                    said(forge, 1000, log_signer("thief log 2")), forge.trust(revoked=stolen(forge)))  # fmt: skip


@case
def ledger_fallen_later_fail() -> Case:
    forge = robbed()
    revoke(forge, forge.root.key_id, 7, SECOND)
    forge.checkpoint()
    return with_anchor("The root key is revoked from after it enrolled the ledger key: that one still convicts.", forge,
                       said(forge, 8, THIEF), forge.trust(), "ledger.fork")  # fmt: skip


# --- what a thief revoked ---------------------------------------------------------------------------------------------


def taken_back() -> Forge:
    """The thief takes back all that the ledger key ever signed (6); the second root key takes the thief back (7)."""
    forge = Forge()
    forge.key_add("root", SECOND.public_key)  # 3
    enrol_log(forge, NEW_LOG)  # 4
    forge.note("before")  # 5
    revoke(forge, forge.log.key_id, 0, forge.root)  # 6, the thief
    revoke(forge, forge.root.key_id, 6, SECOND)  # 7
    return forge


@case
def ledger_revoke_void() -> Case:
    forge = taken_back()
    row = forge.store.subtree
    anchor = said(forge, 4, forge.log, root=row(2, 0))
    forge.checkpoint(log=NEW_LOG)
    return with_anchor("What the thief's key-revoke takes back still counts: the anchor holds.", forge, anchor,
                       all_logs(forge), warning="ledger.distrusted")  # fmt: skip


@case
def ledger_revoke_void_fail() -> Case:
    forge = taken_back()
    forge.checkpoint(log=NEW_LOG)
    return with_anchor("The log cannot disown what it signed by a key-revoke that is distrusted itself.", forge,
                       said(forge, 4, forge.log), all_logs(forge), "ledger.fork")  # fmt: skip


@case
def ledger_revoke_ends_fail() -> Case:
    forge = taken_back()
    forge.checkpoint()
    files: Files = {"trust.json": dumps(all_logs(forge))}
    return ledger("A distrusted key-revoke ends its key all the same.", forge, "ledger.checkpoint-signature",
                  files=files)  # fmt: skip


def contested() -> Forge:
    """The second root key takes back the first, and the thief's root key, which falls by that, the second."""
    forge = robbed()
    enrol_log(forge, NEW_LOG, by=SECOND)  # 7
    revoke(forge, forge.root.key_id, 4, SECOND)  # 8
    revoke(forge, SECOND.key_id, 0, THIEF_ROOT)  # 9
    forge.checkpoint(log=NEW_LOG)
    return forge


@case
def ledger_revoke_contested_fail() -> Case:
    forge = contested()
    files: Files = {"trust.json": dumps(all_logs(forge))}
    return ledger("Two root keys take each other back: the ledger does not say whom to believe, so neither is.", forge,
                  "ledger.trust-log-key", exit_code=5, files=files)  # fmt: skip


@case
def ledger_revoke_settled() -> Case:
    forge = contested()
    files: Files = {"trust.json": dumps(all_logs(forge, revoked=stolen(forge)))}
    return ledger("The same ledger; the trust file says which of the two was stolen.", forge,
                  warning="ledger.distrusted", files=files)  # fmt: skip


# --- proofs of misbehaviour -------------------------------------------------------------------------------------------


def off(start: int) -> list[dict[str, Any]]:
    return [{"kid": log_signer().key_id, "fromIndex": start}]


@case
def misbehaviour_revoked_fail() -> Case:
    return misbehaviour("The ledger key is revoked from below the second checkpoint: a thief may have made it.",
                        proof(), "ledger.misbehaviour-untrusted", 5, revoked=off(12))  # fmt: skip


@case
def misbehaviour_revoked_both_fail() -> Case:
    return misbehaviour("The ledger key is revoked from below both checkpoints.", proof(),
                        "ledger.misbehaviour-untrusted", 5, revoked=off(0))  # fmt: skip


@case
def misbehaviour_revoked_later() -> Case:
    return misbehaviour("The ledger key is revoked from after both checkpoints: the log signed them.", proof(),
                        revoked=off(13))  # fmt: skip


@case
def misbehaviour_revoked_followed() -> Case:
    document = proof()
    forge = Forge()
    heads = [parse_checkpoint(note) for note in document["checkpoints"]]
    document["checkpoints"] = [said(forge, head.size, forge.log, NEW_LOG, root=head.root) for head in heads]
    keys = [line for key in (forge.log, NEW_LOG) for line in key.vkeys(forge.origin)]
    return misbehaviour("The old ledger key is revoked; the new one signed both checkpoints too.", document,
                        revoked=off(0), logKeys=keys)  # fmt: skip


# --- excerpts ---------------------------------------------------------------------------------------------------------


def asked(why: str, code: str = "", files: Made | None = None, **trust: Any) -> Case:
    """The excerpt of `export-excerpt`, under another trust file."""
    return exported(why, JSONL, files or {}, code, exit_code=5, base="export-excerpt", trust=good().trust(**trust))


@case
def export_excerpt_revoked_fail() -> Case:
    return asked("The trust file revokes the only ledger key from below the checkpoint.", "ledger.trust-log-key",
                 revoked=off(18))  # fmt: skip


@case
def export_excerpt_revoked_later() -> Case:
    return asked("The trust file revokes the ledger key from the size of the checkpoint on.", revoked=off(19))


@case
def export_excerpt_unmet_fail() -> Case:
    return asked("One witness is asked for, and none cosigned.", "ledger.trust-witness",
                 witnesses={"quorum": 1, "vkeys": vkeys(witness("one"))})  # fmt: skip


@case
def export_excerpt_quorum() -> Case:
    note = excerpt()[HEAD].decode()
    line = witness("one").cosign(parse_checkpoint(note), SECONDS)[0]
    return asked("The witness that is asked for cosigned the checkpoint.", files={HEAD: f"{note}{line}".encode()},
                 witnesses={"quorum": 1, "vkeys": vkeys(witness("one"))})  # fmt: skip


# --- the genesis ------------------------------------------------------------------------------------------------------


def founded(*signers: Ed25519Signer) -> Forge:
    """A ledger with two root keys, whose genesis is by `signers`, and all else by the second root key."""
    forge = Forge()
    plain = parse_entry(genesis_leaf(domain=DOMAIN, development=True, root=forge.root, now=NOW,
                                     ledger_id=bytes.fromhex(hex32("ledger of two"))))  # fmt: skip
    pairs = [{"kid": key.key_id, "publicKey": to_base64(key.public_key)} for key in (forge.root, SECOND)]
    payload = statement("genesis", subject=(plain.subject_name, plain.subject_sha256),
                        predicate=plain.predicate | {"rootKeys": pairs})  # fmt: skip
    genesis = sign_entry(payload, *signers)
    forge.connection = sqlite3.connect(":memory:", isolation_level=None)
    forge.connection.executescript(schema_sql())
    forge.store = Store(forge.connection)
    forge.growth = Growth.load(forge.store)
    forge.origin = origin_of(parse_entry(genesis))
    forge.append(genesis)
    forge.key_add("operator", forge.operator.public_key, by=SECOND)
    enrol_log(forge, forge.log, by=SECOND)
    forge.run_open(RUN, signer("run"))
    forge.output(RUN, "delivered", signer("run"))
    forge.checkpoint()
    return forge


def both_roots(forge: Forge) -> dict[str, Any]:
    keys = [to_base64(key.public_key) for key in (forge.root, SECOND)]
    return forge.trust(rootKeys=keys, revoked=stolen(forge, 0))


@case
def receipt_revoked_genesis_fail() -> Case:
    forge = founded(signer("root"))
    return receipt("The genesis is by a root key alone that the trust file revokes from 0.", "receipt.root-key",
                   exit_code=5, data=forge.receipt(4), trust=both_roots(forge))  # fmt: skip


@case
def receipt_revoked_genesis_second() -> Case:
    forge = founded(signer("root"), SECOND)
    return receipt("A root key that is not revoked signed the genesis too, and alone what certifies the signer.",
                   data=forge.receipt(4), trust=both_roots(forge))  # fmt: skip


@case
def ledger_revoked_genesis_second() -> Case:
    forge = founded(signer("root"), SECOND)
    files: Files = {"trust.json": dumps(both_roots(forge))}
    return ledger("The same in a file: the genesis is distrusted and taints nothing, since the origin is its hash.",
                  forge, warning="ledger.distrusted", files=files)  # fmt: skip


# --- witnesses --------------------------------------------------------------------------------------------------------


@case
def witness_receipt_one_name_fail() -> Case:
    forge, head = witnessed()
    old, new = witness("one"), witness("one", "one, later")
    keep(forge, head.size, *old.cosign(head, SECONDS), *new.cosign(head, SECONDS))
    return witness_receipt("Both lines are under one name, by two keys: that is one witness.", forge,
                           asks(forge, 2, old, new, witness("two")), "receipt.witness-quorum", exit_code=5)  # fmt: skip


@case
def witness_ledger_one_name_fail() -> Case:
    forge, head = witnessed()
    old, new = witness("one"), witness("one", "one, later")
    keep(forge, head.size, *old.cosign(head, SECONDS), *new.cosign(head, SECONDS))
    files: Files = {"trust.json": dumps(asks(forge, 2, old, witness("two"), new))}
    return ledger("The same in a file; another witness stands between the two keys.", forge, "ledger.trust-witness",
                  exit_code=5, files=files)  # fmt: skip


@case
def witness_receipt_new_key() -> Case:
    forge, head = witnessed()
    old, new = witness("one"), witness("one", "one, later")
    keep(forge, head.size, *new.cosign(head, SECONDS), *witness("two").cosign(head, SECONDS))
    return witness_receipt("A witness cosigned by its new key; the trust file lists the old one too.", forge,
                           asks(forge, 2, old, new, witness("two")))  # fmt: skip
