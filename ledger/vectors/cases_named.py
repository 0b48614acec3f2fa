"""Witnesses in trust entries, and rows that are no cosignature of a witness: SPEC 6.12, 14.2, 14.9."""

from __future__ import annotations

from cases import Case, case, finished, ledger
from cases_witness import cosigned, defect, vkeys, witness
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forge import NOW, Forge, hex64, secret, signer
from personactl_ledger.cosignature import WitnessSigner
from personactl_ledger.encoding import to_base64
from personactl_ledger.note import COSIGNATURE_ED25519, ED25519, Vkey


def named(why: str, quorum: int, *keys: str, code: str = "ledger.vkey", forge: Forge | None = None) -> Case:
    """A trust entry that names these verifier keys."""
    forge = forge or Forge()
    said = {"version": 1, "approvers": None, "witnesses": {"quorum": quorum, "vkeys": list(keys)}, "setAt": NOW}
    forge.append(forge.say("trust", forge.root, ("trust", hex64("trust 1")), **said))
    if code:
        return finished(why, forge, code)
    forge.checkpoint()
    return ledger(why, forge)


def key(name: str, raw: bytes, kind: int = COSIGNATURE_ED25519) -> str:
    return str(Vkey.of(name, kind, raw))


@case
def trust_witnesses() -> Case:
    return named("A trust entry that names two witnesses.", 2, *vkeys(witness("one"), witness("two")), code="")


@case
def trust_witness_nonsense_fail() -> Case:
    return named("A trust entry names a witness by a text that is no verifier key.", 1, "nonsense")


@case
def trust_witness_log_type_fail() -> Case:
    own = key("one.example/w", signer("one").public_key, ED25519)
    return named("A trust entry names a witness by the verifier key of a log.", 1, own)


@case
def trust_witness_log_key_fail() -> Case:
    return named("A trust entry names the ledger key as a witness.", 1, key("w.example", Forge().log.public_key))


@case
def trust_witness_root_key_fail() -> Case:
    return named("A trust entry names a root key as a witness.", 1, key("w.example", signer("root").public_key))


@case
def trust_witness_later_root_fail() -> Case:
    forge = Forge()
    forge.key_add("root", signer("second root").public_key)
    own = key("w.example", signer("second root").public_key)
    return named("A trust entry names a root key that a key-add enrolled as a witness.", 1, own, forge=forge)


@case
def trust_witness_origin_fail() -> Case:
    own = key(Forge().origin, signer("one").public_key)
    return named("A trust entry names a witness whose name is the origin.", 1, own)


@case
def trust_witness_quorum_fail() -> Case:
    one, again = (
        witness("one"),
        WitnessSigner("again.example/w", Ed25519PrivateKey.from_private_bytes(secret("witness one"))),
    )
    return named("The quorum is 2, and both verifier keys are of one public key.", 2, *vkeys(one, again),
                 code="ledger.predicate")  # fmt: skip


@case
def witness_ledger_origin_fail() -> Case:
    own = Vkey.parse(cosigned().log.vkeys(cosigned().origin)[0])
    line = f"— {own.name} {to_base64(own.key_hash + bytes(64))}"
    return defect("A line under the name of the log stands among the cosignatures.",
                  f"INSERT INTO cosignature VALUES (5, '{own.name}', x'{own.key_hash.hex()}',"  # noqa: S608
                  f" '{line}' || char(10), '{NOW}');\n")  # fmt: skip


@case
def witness_ledger_received_fail() -> Case:
    sql = "UPDATE cosignature SET received_at = 'abcd-ef-ghTij:kl:mn Z' WHERE size = 5;\n"
    why, vector, files = defect("The time at which a cosignature came is no time.", sql)
    return why, vector | {"code": "ledger.writer-clock"}, files
