"""Fresh keys for one role, as the files that a key folder keeps them in. Nothing is written here."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from personactl_ledger import key_id

from personactl.errors import KeyProblem
from personactl.keys import keyset, layout
from personactl.keys.certificates import Validity, fingerprint, make_leaf
from personactl.keys.checks import load_certificates
from personactl.keys.development import BACKDATE, VALIDITY, mldsa_key, private_pem

ROLES = ("operator", "ledger", "root", "c2pa")
"""The roles of keys that a project holds itself; persons hold their own."""

FILES = {
    "operator": (layout.OPERATOR_KEY,),
    "ledger": (layout.LEDGER_KEY, layout.LEDGER_MLDSA_KEY),
    "root": (layout.ROOT_KEY, layout.INDEX),
    "c2pa": (layout.C2PA_LEAF_KEY, layout.C2PA_CHAIN, layout.INDEX),
}
"""What belongs to a role and is replaced together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The next key of a role: its files, and the names of the old and of the new one (key ids; for c2pa the SHA-256
    fingerprints of the leaves)."""

    files: dict[str, bytes] = field(repr=False)
    old: str
    new: str


def make(folder: Path, role: str, *, now: str, unlist_old: bool = False) -> Material:
    """The successor of the key of `role` in the folder. `unlist_old` (c2pa): the old leaf goes out of the trust file.

    Raises KeyProblem when a file of the folder cannot be used, or the C2PA root's key is kept elsewhere.
    """
    if role == "c2pa":
        return _c2pa(folder, now, unlist_old)
    name = FILES[role][0]
    if role == "root":
        require_present(folder, name)
    old, new = keyset.load_ed25519(folder, name), Ed25519PrivateKey.generate()
    files = {name: private_pem(new)}
    if role == "ledger":
        files |= mldsa_key()
    if role == "root":
        files[layout.INDEX] = _index(folder, rootKeys=[_base64(new), *keyset.load_index(folder)["rootKeys"]])
    return Material(files=files, old=_key_id(old), new=_key_id(new))


def require_present(folder: Path, name: str) -> None:
    """Raises KeyProblem (code keys.root-offline) where the root's key is kept elsewhere."""
    if not (folder / name).exists():
        raise KeyProblem(
            f"this step is signed by {name}, which is not in the key folder",
            where=str(folder),
            hint=f"put {name} back for the time of this command",
            code="keys.root-offline",
        )


def _c2pa(folder: Path, now: str, unlist_old: bool) -> Material:
    """A new leaf under the same root, with the old leaf's name and never longer than the root lives."""
    require_present(folder, layout.C2PA_ROOT_KEY)
    root = load_certificates(folder, layout.C2PA_ROOT_CERTIFICATE)[0]
    old = load_certificates(folder, layout.C2PA_CHAIN)[0]
    root_key = keyset.load_private(folder, layout.C2PA_ROOT_KEY)
    if not isinstance(root_key, ec.EllipticCurvePrivateKey) or root_key.public_key() != root.public_key():
        raise KeyProblem(
            f"{layout.C2PA_ROOT_KEY} is not the key of {layout.C2PA_ROOT_CERTIFICATE}",
            where=str(folder / layout.C2PA_ROOT_KEY),
            hint="a leaf under a bought chain is renewed by its authority",
            code="keys.key-mismatch",
        )
    moment = datetime.fromisoformat(now).astimezone(UTC)
    validity = Validity(start=moment - BACKDATE, end=min(moment + VALIDITY, root.not_valid_after_utc))
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = make_leaf(key.public_key(), old.subject, validity, root=root, root_key=root_key)
    earlier = [item for item in keyset.earlier_leaves(keyset.load_index(folder), folder) if item != fingerprint(old)]
    files = {
        layout.C2PA_LEAF_KEY: private_pem(key),
        layout.C2PA_CHAIN: leaf.public_bytes(Encoding.PEM),
        layout.INDEX: _index(folder, earlierLeaves=earlier if unlist_old else [*earlier, fingerprint(old)]),
    }
    return Material(files=files, old=fingerprint(old), new=fingerprint(leaf))


def _index(folder: Path, **changed: object) -> bytes:
    return (json.dumps(keyset.load_index(folder) | changed, indent=2, ensure_ascii=False) + "\n").encode()


def _base64(key: Ed25519PrivateKey) -> str:
    return b64encode(key.public_key().public_bytes_raw()).decode()


def _key_id(key: Ed25519PrivateKey) -> str:
    return key_id(key.public_key().public_bytes_raw())
