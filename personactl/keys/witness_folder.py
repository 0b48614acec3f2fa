"""The folder of a witness: its keys, its name, and what it remembers (SPEC 14.7). Made in one step, mode 0700.

witness.pem         Ed25519, PKCS#8, mode 0600
witness-mldsa.pem   ML-DSA-44, where the library has it
witness.json        {"schema": "personactl.witness/1", "name", "vkeys", "createdAt"}
witness.sqlite      which ledgers it follows, and the largest tree of each
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from personactl_ledger import FormatError
from personactl_ledger.cosignature import WitnessSigner
from personactl_ledger.witness_state import FILE as STATE
from personactl_ledger.witness_state import Memory, empty_state

from personactl.errors import KeyProblem, UsageProblem
from personactl.keys import layout
from personactl.keys.strict_json import StrictJSONError, parse_object

SCHEMA = "personactl.witness/1"
KEY = "witness.pem"
MLDSA_KEY = "witness-mldsa.pem"
INDEX = "witness.json"
_TAKEN = "name a new folder with --state; a witness that is there goes on with its keys and what it remembers"


def create(folder: Path, *, name: str, now: str) -> WitnessSigner:
    """Make a new witness: fresh keys, and a memory that knows nothing. `name` is printable ASCII, no space, no plus.

    Raises UsageProblem (code witness.name), ConflictError when the folder has content, StorageError.
    """
    if not (name.isascii() and name.isprintable()):
        raise _name(name)
    mldsa = _new_mldsa()
    ed25519 = Ed25519PrivateKey.generate()
    try:
        signer = WitnessSigner(name, ed25519, mldsa)
    except FormatError:
        raise _name(name) from None
    vkeys = [str(key) for key in signer.verifier_keys]
    index = {"schema": SCHEMA, "name": name, "vkeys": vkeys, "createdAt": now}
    files = {KEY: _pem(ed25519), STATE: empty_state(), INDEX: (json.dumps(index, indent=2) + "\n").encode()}
    layout.create(folder, files if mldsa is None else {**files, MLDSA_KEY: _pem(mldsa)}, hint=_TAKEN)
    return signer


def load(folder: Path) -> tuple[WitnessSigner, Memory]:
    """The keys and the memory of a witness. Raises KeyProblem for keys that are open to others, missing or mixed up,
    LedgerMissing (code witness.state-missing) when the memory is gone."""
    for path in (folder, folder / KEY, folder / MLDSA_KEY):
        if path.exists() and layout.too_open(path.stat().st_mode):
            raise KeyProblem(
                f"{path.name} is open to other users (mode {stat.S_IMODE(path.stat().st_mode):04o})",
                where=str(path),
                hint=f"chmod -R go= '{folder}'",
                code="keys.permissions-open",
            )
    index = _index(folder)
    ed25519 = _private(folder, KEY)
    mldsa = _private(folder, MLDSA_KEY) if (folder / MLDSA_KEY).exists() else None
    if not isinstance(ed25519, Ed25519PrivateKey) or type(mldsa).__name__ not in ("NoneType", "MLDSA44PrivateKey"):
        raise _problem(folder, KEY, "it is not a key of a witness")
    try:
        signer = WitnessSigner(index["name"], ed25519, mldsa)
    except FormatError as error:
        raise _problem(folder, INDEX, error.message) from None
    if [str(key) for key in signer.verifier_keys] != index.get("vkeys"):
        raise _problem(folder, INDEX, "it lists other verifier keys than the key files have")
    return signer, Memory(folder)


def _index(folder: Path) -> dict[str, Any]:
    try:
        index = parse_object(_read(folder, INDEX))
    except StrictJSONError as error:
        raise _problem(folder, INDEX, str(error)) from None
    if index.get("schema") != SCHEMA or not isinstance(index.get("name"), str):
        raise _problem(folder, INDEX, "schema or name is missing")
    return index


def _private(folder: Path, name: str) -> Any:
    try:
        return load_pem_private_key(_read(folder, name), password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise _problem(folder, name, "it is encrypted, or no PEM private key of a known kind") from None


def _read(folder: Path, name: str) -> bytes:
    try:
        return layout.read(folder, name)
    except KeyProblem as error:
        raise KeyProblem(
            error.message,
            where=error.where,
            hint="personactl ledger witness new makes such a folder",
            code=error.code,
        ) from None


def _new_mldsa() -> Any:
    """A key that a quantum computer does not break; None where the library has none."""
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        return MLDSA44PrivateKey.generate()
    except (ImportError, UnsupportedAlgorithm):
        return None


def _pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def _name(name: str) -> UsageProblem:
    return UsageProblem(
        "a witness has a name of 1 to 255 printable ASCII characters without space and plus sign",
        where=name[:80],
        hint="a URL without its scheme is usual: auditor.example/w1",
        code="witness.name",
    )


def _problem(folder: Path, name: str, reason: str) -> KeyProblem:
    return KeyProblem(
        f"{name} cannot be used: {reason}",
        where=str(folder / name),
        hint="restore this file, never witness.sqlite; or make a new witness",
        code="keys.file-unreadable",
    )
