"""Receipts: SPEC 8 and 9."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from cases import RUN, Case, Files, case
from forge import Forge, dumps, log_signer, signer, wrong_signature
from personactl_ledger import parse_entry
from personactl_ledger.encoding import to_base64


def receipt(
    why: str, code: str = "", *, exit_code: int = 4, data: bytes | None = None, trust: dict[str, Any] | None = None,
    subject: bytes = b"file delivered", mend: Callable[[dict[str, Any]], None] | None = None, index: int = 4,
) -> Case:  # fmt: skip
    """A case about the receipt of the output in `delivered`, changed by `mend`."""
    forge = delivered()
    text = (data or forge.receipt(index)).decode()
    if mend is not None:
        document = json.loads(text)
        mend(document)
        text = dumps(document)
    files: Files = {"the.receipt": text, "trust.json": dumps(trust or forge.trust()), "file": subject}
    vector = {"reader": "receipt", "exit": exit_code if code else 0, **({"code": code} if code else {})}
    return why, vector, files


def delivered() -> Forge:
    """Output 4 is about the bytes of the file."""
    forge = Forge()
    forge.run_open(RUN, signer("run"))
    forge.output(RUN, "delivered", signer("run"))
    forge.note("a neighbour")
    forge.checkpoint()
    return forge


def swap(document: dict[str, Any], old: str, new: str) -> None:
    changed = document["proof"].replace(old, new, 1)
    assert changed != document["proof"]
    document["proof"] = changed


@case
def receipt_good() -> Case:
    return receipt("The receipt of an output.")


@case
def receipt_reformatted() -> Case:
    why, vector, files = receipt("The same JSON in another layout.")
    files["the.receipt"] = json.dumps(json.loads(files["the.receipt"]), indent=4, sort_keys=True)
    return why, vector, files


@case
def receipt_genesis() -> Case:
    why, vector, files = receipt("The receipt of the genesis has no key entries.", index=0)
    del files["file"]
    return why, vector, files


@case
def receipt_two_log_keys() -> Case:
    forge = delivered()
    keys = [*log_signer("another log").vkeys(forge.origin), *forge.log.vkeys(forge.origin)]
    return receipt("The trust file names two ledger keys; one of them signed.", trust=forge.trust(logKeys=keys))


@case
def receipt_trust_extra() -> Case:
    trust = delivered().trust(mascot="x", witnesses={"quorum": 0, "vkeys": []}, revoked=[], critical=["origin"])
    return receipt("The trust file has a key that nobody knows and that is not critical.", trust=trust)


@case
def receipt_timestamps() -> Case:
    first = {"tsa": "one", "hashAlgorithm": "sha256", "token": "MAA=", "covers": None, "evidence": ["MAA="]}
    second = {"tsa": "two", "hashAlgorithm": "sha3-512", "token": "MAA=", "covers": 0, "evidence": []}
    return receipt("Two time stamps; the second renews the first.",
                   mend=lambda d: d.update(timestamps=[first, second]))  # fmt: skip


@case
def receipt_timestamp_covers_fail() -> Case:
    stamp = {"tsa": "one", "hashAlgorithm": "sha256", "token": "MAA=", "covers": 0, "evidence": []}
    return receipt("A time stamp that covers itself.", "receipt.malformed",
                   mend=lambda d: d.update(timestamps=[stamp]))  # fmt: skip


@case
def receipt_surrogate_fail() -> Case:
    why, vector, files = receipt("A text with half of a surrogate pair.", "receipt.malformed")
    stamp = '{"tsa": "\\ud800", "hashAlgorithm": "sha256", "token": "MAA=", "covers": null, "evidence": []}'
    files["the.receipt"] = str(files["the.receipt"]).replace('"timestamps": []', f'"timestamps": [{stamp}]')
    return why, vector, files


@case
def receipt_other_file_fail() -> Case:
    return receipt("The file is another one.", "receipt.subject", subject=b"another file")


@case
def receipt_index_fail() -> Case:
    return receipt("The proof is for another index.", "receipt.inclusion", mend=lambda d: swap(d, "index 4", "index 5"))


@case
def receipt_path_short_fail() -> Case:
    def mend(document: dict[str, Any]) -> None:
        lines = document["proof"].split("\n")
        document["proof"] = "\n".join([*lines[:2], *lines[3:]])

    return receipt("One hash of the path is missing.", "receipt.inclusion", mend=mend)


@case
def receipt_key_path_fail() -> Case:
    return receipt("A key entry is not in the tree.", "receipt.inclusion",
                   mend=lambda d: d["keys"][1].update(index=2))  # fmt: skip


@case
def receipt_size_fail() -> Case:
    return receipt("The checkpoint's size was changed: its signature is wrong.", "receipt.log-signature",
                   mend=lambda d: swap(d, "\n6\n", "\n7\n"))  # fmt: skip


@case
def receipt_extension_fail() -> Case:
    return receipt("The checkpoint has a fourth line.", "receipt.malformed",
                   mend=lambda d: swap(d, "\n\n— ", "\nextension\n\n— "))  # fmt: skip


@case
def receipt_extra_fail() -> Case:
    return receipt("The proof has an extra line.", "receipt.malformed",
                   mend=lambda d: swap(d, "\nindex", "\nextra AAAA\nindex"))  # fmt: skip


@case
def receipt_leading_zero_fail() -> Case:
    return receipt("An index with a leading zero.", "receipt.malformed", mend=lambda d: swap(d, "index 4", "index 04"))


@case
def receipt_duplicate_key_fail() -> Case:
    why, vector, files = receipt("A key stands twice in the JSON.", "receipt.malformed")
    files["the.receipt"] = str(files["the.receipt"]).replace('"keys"', '"leaf": "AAAA",\n "keys"', 1)
    return why, vector, files


@case
def receipt_unknown_key_fail() -> Case:
    return receipt("A key that the format does not have.", "receipt.malformed", mend=lambda d: d.update(note="x"))


@case
def receipt_base64_fail() -> Case:
    def mend(document: dict[str, Any]) -> None:
        assert document["leaf"].endswith("fQ==")
        document["leaf"] = document["leaf"][:-4] + "fR=="

    why, vector, files = receipt("Base64 whose unused bits are not zero.", "receipt.malformed", data=padded())
    document = json.loads(files["the.receipt"])
    mend(document)
    files["the.receipt"] = dumps(document)
    return why, vector, files


def padded() -> bytes:
    """A receipt whose leaf needs two padding characters."""
    forge = Forge()
    for filler in ("", "a", "aa"):
        index = forge.note("the file " + filler)
        if len(forge.store.leaf(index)[0]) % 3 == 1:
            forge.checkpoint()
            return forge.receipt(index)
    raise AssertionError("no filler gives two padding characters")


@case
def receipt_leaf_fail() -> Case:
    def mend(document: dict[str, Any]) -> None:
        document["leaf"] = b64encode(b64decode(document["leaf"]) + b"\n").decode()

    return receipt("The leaf has a newline at its end.", "receipt.leaf", mend=mend)


@case
def receipt_origin_fail() -> Case:
    trust = Forge(domain="elsewhere.example").trust()
    return receipt("The trust file is for another ledger.", "receipt.origin", exit_code=5, trust=trust)


@case
def receipt_log_key_fail() -> Case:
    forge = delivered()
    trust = forge.trust(logKeys=list(log_signer("another log").vkeys(forge.origin)))
    return receipt("The trust file names another log key.", "receipt.log-key", exit_code=5, trust=trust)


@case
def receipt_root_key_fail() -> Case:
    trust = delivered().trust(rootKeys=[to_base64(signer("another root").public_key)])
    return receipt("The trust file names another root key.", "receipt.root-key", exit_code=5, trust=trust)


@case
def receipt_no_genesis_fail() -> Case:
    return receipt("The genesis is left out.", "receipt.genesis", mend=lambda d: d["keys"].pop(0))


@case
def receipt_no_run_open_fail() -> Case:
    return receipt("The run-open is left out.", "receipt.signature", mend=lambda d: d["keys"].pop())


@case
def receipt_no_key_add_fail() -> Case:
    return receipt("The operator's key-add is left out.", "receipt.key-chain", mend=lambda d: d["keys"].pop(1))


@case
def receipt_key_order_fail() -> Case:
    return receipt("Key entries out of order.", "receipt.key-chain",
                   mend=lambda d: d["keys"].insert(1, d["keys"].pop()))  # fmt: skip


@case
def receipt_keys_extra_fail() -> Case:
    """The key-add of the ledger key, at index 2, certifies nobody here."""
    extra = json.loads(delivered().receipt(2))
    lines = extra["proof"].partition("\n\n")[0].split("\n")
    item = {"leaf": extra["leaf"], "index": 2, "path": lines[2:]}
    return receipt("`keys` holds an entry that certifies no signer of anything in the receipt.", "receipt.key-chain",
                   mend=lambda d: d["keys"].insert(2, item))  # fmt: skip


@case
def receipt_signature_fail() -> Case:
    forge = Forge()
    forge.run_open(RUN, signer("run"))
    payload = parse_entry(forge.output_leaf(RUN, "delivered", signer("run"))).payload
    index = forge.append(wrong_signature(payload, signer("run").key_id, signer("another")))
    forge.checkpoint()
    return receipt(
        "The leaf is in the tree and its signature is wrong.", "receipt.signature", data=forge.receipt(index)
    )
