"""The keys of a project, loaded and ready to sign."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from personactl_ledger import Ed25519Signer, LogSigner, Signer
from personactl_ledger.predicates import LEDGER, OPERATOR, ROOT

from personactl.errors import KeyProblem
from personactl.keys import layout
from personactl.keys.strict_json import StrictJSONError, parse_object

INDEX_SCHEMA = "personactl.keys/1"
_HEX64 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class C2paCredential:
    """What signs files: the certificate chain (PEM, leaf first), its anchor (PEM) and the leaf's PKCS#8 key (PEM)."""

    chain_pem: bytes
    private_key_pem: bytes = field(repr=False)
    anchor_pem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """Signers by role. `root_public_keys` are raw 32-byte Ed25519 keys, known even while the root key is offline;
    `earlier_leaves` are fingerprints of C2PA leaves that signed files before this one."""

    operator: Signer = field(repr=False)
    log: LogSigner = field(repr=False)
    c2pa: C2paCredential = field(repr=False)
    development: bool
    organisation: str
    domain: str
    created_at: str
    root_public_keys: tuple[bytes, ...] = field(repr=False)
    root_signer: Signer | None = field(repr=False, default=None)
    earlier_leaves: tuple[str, ...] = ()

    @property
    def signing(self) -> tuple[tuple[str, str], ...]:
        """(role, key id) of the keys that sign day by day."""
        return ((OPERATOR, self.operator.key_id), (LEDGER, self.log.key_id))

    @property
    def in_folder(self) -> tuple[tuple[str, str], ...]:
        """As `signing`, with the root key while it is there."""
        root = () if self.root_signer is None else ((ROOT, self.root_signer.key_id),)
        return (*self.signing, *root)

    @property
    def root(self) -> Signer:
        """The root signer. Raises KeyProblem while root.pem is kept elsewhere."""
        if self.root_signer is None:
            raise KeyProblem(
                "this step is signed by the root key, which is not in the key folder",
                hint=f"put {layout.ROOT_KEY} back for the time of this command",
                code="keys.root-offline",
            )
        return self.root_signer


def load(folder: Path) -> KeySet:
    """Load every key of a project. Raises KeyProblem that names the file and what mends it.

    Certificates are not judged here: `keys.check` names broken rules, and signing refuses what does not read back.
    While a rotation is unfinished nothing is loaded: of its files some may be old and some new.
    """
    require_settled(folder)
    return load_unsettled(folder)


def require_settled(folder: Path) -> None:
    """Raises KeyProblem (code keys.rotation-unfinished) while one key is taking over from another."""
    mark = folder / layout.ROTATION / layout.ROTATION_MARK
    if mark.exists():
        raise KeyProblem(
            "one key was taking over from another when that was interrupted",
            where=str(mark),
            hint="personactl keys rotate ROLE finishes it, or with --abandon drops it while the old key is in use; the "
            "file names the role",
            code="keys.rotation-unfinished",
        )


def load_unsettled(folder: Path) -> KeySet:
    """As `load`, for the rotation itself."""
    layout.require_closed(folder)
    index = load_index(folder)
    root = load_ed25519(folder, layout.ROOT_KEY) if (folder / layout.ROOT_KEY).exists() else None
    public_keys = root_public_keys(index, folder)
    if root is not None and root.public_key().public_bytes_raw() not in public_keys:
        raise KeyProblem(
            f"{layout.ROOT_KEY} is not one of the root keys that {layout.INDEX} lists",
            where=str(folder),
            hint="restore the root key that this folder was made with",
            code="keys.root-mismatch",
        )
    return KeySet(
        operator=Ed25519Signer(load_ed25519(folder, layout.OPERATOR_KEY)),
        log=LogSigner(load_ed25519(folder, layout.LEDGER_KEY), load_mldsa(folder)),
        c2pa=C2paCredential(
            chain_pem=layout.read(folder, layout.C2PA_CHAIN),
            private_key_pem=layout.read(folder, layout.C2PA_LEAF_KEY),
            anchor_pem=layout.read(folder, layout.C2PA_ROOT_CERTIFICATE).decode("ascii", "replace"),
        ),
        development=index["development"],
        organisation=index["organisation"],
        domain=index["domain"],
        created_at=index["createdAt"],
        root_public_keys=public_keys,
        root_signer=None if root is None else Ed25519Signer(root),
        earlier_leaves=earlier_leaves(index, folder),
    )


def load_index(folder: Path) -> dict[str, Any]:
    """keys.json, checked. Raises KeyProblem (code keys.index-invalid)."""
    types = {
        "schema": str,
        "development": bool,
        "organisation": str,
        "domain": str,
        "createdAt": str,
        "rootKeys": list,
    }
    try:
        index = parse_object(layout.read(folder, layout.INDEX))
    except StrictJSONError as error:
        raise _index_problem(folder, str(error)) from None
    wrong = [key for key, kind in types.items() if not isinstance(index.get(key), kind)]
    if wrong or index["schema"] != INDEX_SCHEMA:
        raise _index_problem(folder, f"wrong or missing: {', '.join(wrong) or 'schema'}")
    return index


def root_public_keys(index: dict[str, Any], folder: Path) -> tuple[bytes, ...]:
    """The raw root public keys that keys.json lists. Raises KeyProblem when one is not 32 bytes of base64."""
    try:
        keys = tuple(b64decode(text, validate=True) for text in index["rootKeys"])
    except (TypeError, ValueError):
        raise _index_problem(folder, "rootKeys is not a list of base64 strings") from None
    if not keys or any(len(key) != 32 for key in keys):
        raise _index_problem(folder, "a root key is not 32 bytes")
    return keys


def load_root_signer(path: Path) -> Signer:
    """A root key that lies outside the key folder, such as on a stick. Raises KeyProblem as for one of the folder."""
    return load_signer(path, "root key", "--root-key")


def load_signer(path: Path, what: str, option: str) -> Signer:
    """An Ed25519 key in a file of its own, `what` in words, which `option` names. Raises KeyProblem."""
    if not path.exists():
        raise KeyProblem(
            f"there is no {what} here", where=str(path), hint=f"name its file with {option}", code="keys.file-missing"
        )
    if layout.too_open(path.stat().st_mode):
        raise KeyProblem(
            f"{path.name} is open to other users",
            where=str(path),
            hint=f"chmod go= '{path}'",
            code="keys.permissions-open",
        )
    try:
        return Ed25519Signer(load_ed25519(path.parent, path.name))
    except KeyProblem as problem:
        hint = f"{option} takes a file of its own with an Ed25519 key in PEM, without a passphrase"
        raise KeyProblem(problem.message, where=problem.where, hint=hint, code=problem.code) from None


def earlier_leaves(index: dict[str, Any], folder: Path) -> tuple[str, ...]:
    """Fingerprints of earlier C2PA leaves that keys.json lists, oldest first; it need not list any."""
    found = index.get("earlierLeaves", [])
    if not isinstance(found, list) or not all(isinstance(item, str) and _HEX64.fullmatch(item) for item in found):
        raise _index_problem(folder, "earlierLeaves is not a list of SHA-256 fingerprints")
    return tuple(found)


def load_ed25519(folder: Path, name: str) -> Ed25519PrivateKey:
    """One unencrypted Ed25519 PKCS#8 file. Raises KeyProblem (code keys.file-unreadable)."""
    key = load_private(folder, name)
    if not isinstance(key, Ed25519PrivateKey):
        raise _key_problem(folder, name, "it does not hold an Ed25519 key")
    return key


def load_private(folder: Path, name: str) -> object:
    """The private key in one PEM file. The message never quotes the file."""
    try:
        return load_pem_private_key(layout.read(folder, name), password=None)
    except TypeError:
        raise _key_problem(folder, name, "it is encrypted") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _key_problem(folder, name, "it is not a PEM private key of a known kind") from None


def load_mldsa(folder: Path) -> Any:
    """The ML-DSA-44 log key, or None when the folder has none."""
    if not (folder / layout.LEDGER_MLDSA_KEY).exists():
        return None
    key = load_private(folder, layout.LEDGER_MLDSA_KEY)
    if type(key).__name__ != "MLDSA44PrivateKey":
        raise _key_problem(folder, layout.LEDGER_MLDSA_KEY, "it does not hold an ML-DSA-44 key")
    return key


def _key_problem(folder: Path, name: str, reason: str) -> KeyProblem:
    return KeyProblem(
        f"{name} cannot be used: {reason}",
        where=str(folder / name),
        hint="personactl keys check",
        code="keys.file-unreadable",
    )


def _index_problem(folder: Path, reason: str) -> KeyProblem:
    return KeyProblem(
        f"{layout.INDEX} cannot be used: {reason}",
        where=str(folder / layout.INDEX),
        hint="restore it from a backup, or make new keys in a new folder",
        code="keys.index-invalid",
    )
