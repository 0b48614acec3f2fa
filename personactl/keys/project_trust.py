"""The project's own trust.json, kept up with its keys: what somebody added to it by hand stays."""

from __future__ import annotations

import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from personactl_ledger import LedgerTrust, LedgerView
from personactl_ledger.trust import earliest

from personactl.document import read_plain_file
from personactl.errors import StorageError, TrustError, UsageProblem
from personactl.keys import trust
from personactl.keys.keyset import KeySet
from personactl.keys.strict_json import MAX_BYTES

OWN = ("c2paAnchors", "leafFingerprints", "logKeys", "rootKeys", "issuedAt")
"""Keys of a trust file that follow from the key folder and the ledger alone."""


def is_own(path: Path, own: Path, origin: str) -> bool:
    """Whether `path` is the project's own trust file, at `own`, and it speaks of this ledger: then it may be renewed.

    One of another ledger may be all that checks the receipts of that one.
    """
    if path.is_symlink() or path.parent.resolve() / path.name != own.parent.resolve() / own.name:
        return False
    try:
        return trust.parse(read_plain_file(path, MAX_BYTES, "trust file"), str(path)).origin == origin
    except (UsageProblem, TrustError):
        return False


def ledger_part(path: Path) -> LedgerTrust | None:
    """What the project's own trust file says of a ledger; None where there is none that can be read."""
    try:
        return trust.parse(read_plain_file(path, MAX_BYTES, "trust file"), str(path)).ledger
    except (UsageProblem, TrustError):
        return None


def refresh(path: Path, keyset: KeySet, ledger: LedgerView, *, now: str) -> bool:
    """Bring the trust file at `path` up to date. False when there is none that speaks of this ledger: then nothing is
    written. Raises StorageError."""
    try:
        data = read_plain_file(path, MAX_BYTES, "trust file")
        before = trust.parse(data, str(path))
    except (UsageProblem, TrustError):
        return False
    if before.origin != ledger.origin:
        return False
    document = json.loads(data)
    known = ledger.trust()
    exported = json.loads(
        trust.export_trust(
            keyset, name=before.name, origin=before.origin, detector=before.detector, now=now, ledger=known
        )
    )
    fresh = document | {key: exported[key] for key in OWN}
    revoked = earliest(dict(before.revoked), known.revoked_from())
    if revoked:
        fresh["revoked"] = [{"kid": kid, "fromIndex": index} for kid, index in revoked.items()]
    if known.approvers is not None:
        fresh["approvers"] = exported["approvers"]
    if not before.leaf_fingerprints:  # whoever wrote the file allows every leaf of its anchors
        fresh["leafFingerprints"] = []
    if fresh | {"issuedAt": ""} != document | {"issuedAt": ""}:
        write(path, fresh)
    return True


def write(path: Path, document: dict[str, Any]) -> None:
    """Put `document` in place of the trust file at `path`.

    Raises TrustError for one that cannot be used, StorageError.
    """
    written = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    trust.parse(written, str(path))
    _replace(path, written)


def _replace(path: Path, data: bytes) -> None:
    """The whole new file or the old one, on the disk when this returns."""
    staging = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with staging.open("xb") as file:
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        staging.replace(path)
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    except OSError as error:
        raise StorageError(
            f"the trust file cannot be written: {error.strerror}", where=str(path), hint="run the same command again"
        ) from None
    finally:
        staging.unlink(missing_ok=True)
