"""Witnesses: SPEC 14, in receipts (9.2 step 10) and in files (12.6, 14.9)."""

from __future__ import annotations

import json
from typing import Any

from cases import RUN, Case, Files, case, ledger
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forge import NOW, Forge, dumps, secret, signer, tamper
from personactl_ledger.checkpoint import Checkpoint, parse_checkpoint
from personactl_ledger.cosignature import WitnessSigner
from personactl_ledger.note import COSIGNATURE_ED25519, NoteSignature, Vkey

SECONDS = 1767323045  # NOW


def witness(name: str, key: str | None = None, mldsa: bool = False) -> WitnessSigner:
    """A TEST-ONLY witness called `name`.example; `key` names its secret."""
    second = None
    if mldsa:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        second = MLDSA44PrivateKey.from_seed_bytes(secret(f"witness ML-DSA-44 {key or name}"))
    first = Ed25519PrivateKey.from_private_bytes(secret(f"witness {key or name}"))
    return WitnessSigner(f"{name}.example/w", first, second)


def vkeys(*witnesses: WitnessSigner) -> list[str]:
    return [str(key) for item in witnesses for key in item.verifier_keys]


def asks(forge: Forge, quorum: int, *witnesses: WitnessSigner) -> dict[str, Any]:
    """A trust file that asks for witnesses."""
    return forge.trust(witnesses={"quorum": quorum, "vkeys": vkeys(*witnesses)})


def delivered() -> tuple[Forge, Checkpoint]:
    """Output 4 under a checkpoint that nobody cosigned yet."""
    forge = Forge()
    forge.run_open(RUN, signer("run"))
    forge.output(RUN, "delivered", signer("run"))
    forge.note("a neighbour")
    return forge, parse_checkpoint(forge.checkpoint())


def keep(forge: Forge, size: int, *lines: NoteSignature) -> None:
    for line in lines:
        forge.store.insert_cosignature(size, line, NOW)


def receipt(why: str, forge: Forge, trust: dict[str, Any], code: str = "", *, exit_code: int = 4) -> Case:
    files: Files = {"the.receipt": forge.receipt(4).decode(), "trust.json": dumps(trust), "file": b"file delivered"}
    vector = {"reader": "receipt", "exit": exit_code if code else 0, **({"code": code} if code else {})}
    return why, vector, files


def flipped(line: NoteSignature) -> NoteSignature:
    return NoteSignature(line.name, line.key_hash, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))


@case
def witness_receipt_quorum() -> Case:
    forge, head = delivered()
    one, two, three = witness("one"), witness("two"), witness("three")
    keep(forge, head.size, *one.cosign(head, SECONDS), *three.cosign(head, SECONDS + 9))
    return receipt("Two of three witnesses cosigned; two are asked for.", forge, asks(forge, 2, one, two, three))


@case
def witness_receipt_stranger() -> Case:
    forge, head = delivered()
    keep(forge, head.size, *witness("one").cosign(head, SECONDS), flipped(witness("two").cosign(head, SECONDS)[0]))
    return receipt("The wrong line is of a witness that the trust file does not name.", forge,
                   asks(forge, 1, witness("one")))  # fmt: skip


@case
def witness_receipt_unmet_fail() -> Case:
    forge, head = delivered()
    keep(forge, head.size, *witness("one").cosign(head, SECONDS))
    return receipt("One witness cosigned; two are asked for.", forge, asks(forge, 2, witness("one"), witness("two")),
                   "receipt.witness-quorum", exit_code=5)  # fmt: skip


@case
def witness_receipt_none_fail() -> Case:
    forge, _ = delivered()
    return receipt("Nobody cosigned.", forge, asks(forge, 1, witness("one")), "receipt.witness-quorum", exit_code=5)


@case
def witness_receipt_one_twice_fail() -> Case:
    forge, head = delivered()
    one, again = witness("one"), witness("again", "one")
    keep(forge, head.size, *one.cosign(head, SECONDS), *again.cosign(head, SECONDS))
    return receipt("Both lines are by one key, under two names: that is one witness.", forge,
                   asks(forge, 2, one, again, witness("two")), "receipt.witness-quorum", exit_code=5)  # fmt: skip


@case
def witness_receipt_other_name_fail() -> Case:
    forge, head = delivered()
    keep(forge, head.size, *witness("again", "one").cosign(head, SECONDS))
    return receipt("The line is by the key of the witness, under a name that the trust file does not list.", forge,
                   asks(forge, 1, witness("one")), "receipt.witness-quorum", exit_code=5)  # fmt: skip


@case
def witness_receipt_wrong_fail() -> Case:
    forge, head = delivered()
    keep(forge, head.size, *witness("one").cosign(head, SECONDS), flipped(witness("two").cosign(head, SECONDS)[0]))
    return receipt("The quorum is reached, and a line of another witness is wrong.", forge,
                   asks(forge, 1, witness("one"), witness("two")), "receipt.witness-signature")  # fmt: skip


@case
def witness_receipt_wrong_no_quorum_fail() -> Case:
    forge, head = delivered()
    keep(forge, head.size, flipped(witness("one").cosign(head, SECONDS)[0]))
    return receipt("No witness is asked for, and a line of one that the trust file names is wrong.", forge,
                   asks(forge, 0, witness("one")), "receipt.witness-signature")  # fmt: skip


@case
def witness_receipt_time_fail() -> Case:
    forge, head = delivered()
    line = witness("one").cosign(head, SECONDS)[0]
    keep(forge, head.size, NoteSignature(line.name, line.key_hash, bytes(7) + b"\x05" + line.signature[8:]))
    return receipt("The time in the line is not the time that was signed.", forge, asks(forge, 1, witness("one")),
                   "receipt.witness-signature")  # fmt: skip


@case
def witness_receipt_no_time_fail() -> Case:
    forge, head = delivered()
    key = Ed25519PrivateKey.from_private_bytes(secret("witness one"))
    name = witness("one").verifier_keys[0]
    signature = key.sign(f"cosignature/v1\ntime 0\n{head.body}".encode())
    keep(forge, head.size, NoteSignature(name.name, name.key_hash, bytes(8) + signature))
    return receipt("The time is zero, which does not say that this was the largest tree.", forge,
                   asks(forge, 1, witness("one")), "receipt.witness-signature")  # fmt: skip


@case
def witness_receipt_other_size_fail() -> Case:
    forge = Forge()
    forge.run_open(RUN, signer("run"))
    forge.output(RUN, "delivered", signer("run"))
    before = parse_checkpoint(forge.checkpoint())
    forge.note("a neighbour")
    after = parse_checkpoint(forge.checkpoint())
    keep(forge, after.size, *witness("one").cosign(before, SECONDS))
    return receipt("The cosignature is over an earlier checkpoint.", forge, asks(forge, 1, witness("one")),
                   "receipt.witness-signature")  # fmt: skip


@case
def witness_receipt_log_type_fail() -> Case:
    forge, head = delivered()
    key = Ed25519PrivateKey.from_private_bytes(secret("witness one"))
    plain = NoteSignature("one.example/w", Vkey.of("one.example/w", 1, key.public_key().public_bytes_raw()).key_hash,
                          key.sign(head.body.encode()))  # fmt: skip
    keep(forge, head.size, plain)
    return receipt("The witness signed as a log does, without a time: another type, so another key.", forge,
                   asks(forge, 1, witness("one")), "receipt.witness-quorum", exit_code=5)  # fmt: skip


@case
def witness_receipt_subject_first_fail() -> Case:
    forge, _ = delivered()
    why, vector, files = receipt("Another file, and no cosignature: the steps have an order.", forge,
                                 asks(forge, 1, witness("one")), "receipt.subject")  # fmt: skip
    return why, vector, files | {"file": b"another file"}


# --- files ------------------------------------------------------------------------------------------------------------


def cosigned() -> Forge:
    """Two checkpoints; witness one cosigned both, witness two the first."""
    forge = Forge()
    forge.note("one")
    first = parse_checkpoint(forge.checkpoint())
    forge.note("two")
    second = parse_checkpoint(forge.checkpoint())
    keep(forge, first.size, *witness("one").cosign(first, SECONDS), *witness("two").cosign(first, SECONDS))
    keep(forge, second.size, *witness("one").cosign(second, SECONDS + 60))
    return forge


@case
def witness_ledger_quorum() -> Case:
    forge = cosigned()
    files: Files = {"trust.json": dumps(asks(forge, 1, witness("one"), witness("two")))}
    return ledger("One of two witnesses cosigned the latest checkpoint; one is asked for.", forge, files=files)


@case
def witness_ledger_unmet_fail() -> Case:
    forge = cosigned()
    files: Files = {"trust.json": dumps(asks(forge, 2, witness("one"), witness("two")))}
    return ledger("Two are asked for. Both cosigned the first checkpoint, one the latest.", forge,
                  "ledger.trust-witness", exit_code=5, files=files)  # fmt: skip


@case
def witness_ledger_moved_fail() -> Case:
    forge = cosigned()
    sql = "UPDATE cosignature SET size = 5 WHERE size = 4 AND key_name = 'two.example/w';\n"
    files: Files = {"defect.sql": tamper(sql), "trust.json": dumps(asks(forge, 0, witness("two")))}
    return ledger("A cosignature was moved to another checkpoint.", forge, "ledger.cosignature",
                  base="witness-ledger-quorum", files=files)  # fmt: skip


@case
def witness_ledger_trust_entry_fail() -> Case:
    forge = Forge()
    said = {"version": 1, "approvers": None, "witnesses": {"quorum": 1, "vkeys": vkeys(witness("one"))}, "setAt": NOW}
    forge.append(forge.say("trust", forge.root, ("trust", "0" * 64), **said))
    head = parse_checkpoint(forge.checkpoint())
    keep(forge, head.size, flipped(witness("one").cosign(head, SECONDS)[0]))
    return ledger("The wrong cosignature is of a witness that only the newest trust entry names.", forge,
                  "ledger.cosignature")  # fmt: skip


@case
def witness_ledger_name_fail() -> Case:
    sql = "UPDATE cosignature SET key_name = 'other.example/w' WHERE size = 5;\n"
    return defect("The key name of a row is not that of its line.", sql)


@case
def witness_ledger_hash_fail() -> Case:
    return defect("The key hash of a row is not that of its line.",
                  "UPDATE cosignature SET key_hash = x'00112233' WHERE size = 5;\n")  # fmt: skip


@case
def witness_ledger_line_fail() -> Case:
    return defect("A row holds two lines.", "UPDATE cosignature SET line = line || line WHERE size = 5;\n")


@case
def witness_ledger_line_open_fail() -> Case:
    sql = "UPDATE cosignature SET line = rtrim(line, char(10)) WHERE size = 5;\n"
    return defect("A line has lost its newline.", sql)


@case
def witness_ledger_log_key_fail() -> Case:
    forge = cosigned()
    own = str(Vkey.of("w.example", COSIGNATURE_ED25519, signer("second log").public_key))
    files: Files = {"trust.json": dumps(forge.trust(witnesses={"quorum": 1, "vkeys": [own]}))}
    return ledger("The only witness that is asked for cosigned nothing.", forge, "ledger.trust-witness", exit_code=5,
                  files=files)  # fmt: skip


def defect(why: str, sql: str) -> Case:
    """A changed row of the file in witness-ledger-quorum."""
    files: Files = {"defect.sql": tamper(sql)}
    return ledger(why, cosigned(), "ledger.cosignature", base="witness-ledger-quorum", files=files)


def fixed() -> dict[str, Files]:
    """Cases with ML-DSA-44 lines, which are randomised; `generate.py --fixed` writes them anew."""
    forge, head = delivered()
    both, only = witness("both", mldsa=True), witness("only", mldsa=True)
    ed25519, mldsa = both.cosign(head, SECONDS)
    trust = forge.trust(witnesses={"quorum": 2, "vkeys": [*vkeys(both), vkeys(only)[1]]})
    second = only.cosign(head, SECONDS)[1]

    def made(why: str, code: str, exit_code: int, *lines: NoteSignature) -> Files:
        document = json.loads(forge.receipt(4))
        document["proof"] += "".join(map(str, lines))
        vector = {"reader": "receipt", "exit": exit_code, **({"code": code} if code else {}), "needs": "ML-DSA-44"}
        readme = f"{why}\n\nA fixed file: signatures of this kind differ from one signing to the next.\n"
        return {"the.receipt": dumps(document), "trust.json": dumps(trust), "vector.json": dumps(vector),
                "README.md": readme}  # fmt: skip

    return {
        "witness-mldsa": made("A witness with both keys, and one with an ML-DSA-44 key alone.", "", 0,
                              ed25519, mldsa, second),
        "witness-mldsa-dropped_fail": made("The ML-DSA-44 line of a witness with both keys was left out.",
                                           "receipt.witness-quorum", 5, ed25519, second),
        "witness-mldsa-wrong_fail": made("An ML-DSA-44 cosignature is wrong, the Ed25519 one beside it right.",
                                         "receipt.witness-signature", 4, ed25519, flipped(mldsa), second),
    }  # fmt: skip
