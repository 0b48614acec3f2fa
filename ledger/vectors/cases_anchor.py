"""The bytes of an anchor: SPEC 7.1, 8.2 and 12.7. Each has a right checkpoint of the file inside."""

from __future__ import annotations

import json

from cases import Case, case, good, ledger
from forge import Forge


def anchor(why: str, data: bytes, code: str = "ledger.anchor") -> Case:
    """A case about the good file and one anchor."""
    files: dict[str, str | bytes] = {"defect.sql": "", "anchor-0": data}
    return ledger(why, good(), code, base="ledger-good", files=files, anchors=["anchor-0"])


def note(forge: Forge) -> bytes:
    found = forge.store.latest_checkpoint()
    assert found is not None
    return found.note.encode()


def proof(forge: Forge) -> bytes:
    """The tlog-proof out of a receipt."""
    return str(json.loads(forge.receipt(3))["proof"]).encode()


STRANGER = "— ".encode() + b"stranger\xff AAAAAAAAAAAA\n"


@case
def anchor_proof() -> Case:
    return anchor("A tlog-proof whose checkpoint lies on the tree.", proof(good()), "")


@case
def anchor_utf8_fail() -> Case:
    return anchor("The name in a line of a stranger is no UTF-8.", note(good()) + STRANGER)


@case
def anchor_proof_utf8_fail() -> Case:
    return anchor("A tlog-proof; the name in a line of a stranger is no UTF-8.", proof(good()) + STRANGER)


@case
def anchor_proof_index_fail() -> Case:
    head = b"c2sp.org/tlog-proof@v1\nindex -7\n\n"
    return anchor("A tlog-proof without an index.", head + note(good()))


@case
def anchor_proof_path_fail() -> Case:
    head = b"c2sp.org/tlog-proof@v1\nindex 3\nnonsense\n\n"
    return anchor("A tlog-proof whose path is no list of hashes.", head + note(good()))


@case
def anchor_proof_extra_fail() -> Case:
    return anchor("A tlog-proof with an extra line.", proof(good()).replace(b"\nindex", b"\nextra AAAA\nindex", 1))
