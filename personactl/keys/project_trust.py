"""The project's own trust.json, kept up with its keys: what it holds besides, by hand or by option, stays."""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be said anew in a trust file that is renewed. None, and an empty list, leave what it says."""

    name: str | None = None
    detector: str | None = None
    tsa_roots: Sequence[str] = ()
    witnesses: Sequence[str] = ()
    quorum: int | None = None
    report_keys: Sequence[bytes] = ()


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


def tsa_roots(path: Path) -> tuple[str, ...]:
    """The roots of time-stamp services (PEM) that the project's own trust file names."""
    part = ledger_part(path)
    return () if part is None else part.tsa_roots


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
    document, fresh = json.loads(data), _renewed(data, before, keyset, ledger, Asked(), now)
    if fresh | {"issuedAt": ""} != document | {"issuedAt": ""}:
        write(path, fresh)
    return True


def renewed(path: Path, keyset: KeySet, ledger: LedgerView, asked: Asked, *, now: str) -> bytes:
    """What the trust file at `path`, which `is_own` said yes to, has to say now: all that it says besides the keys of
    the project stays, unless it is `asked` anew. Raises UsageProblem for a name or witnesses that a file cannot have,
    TrustError, StorageError."""
    data = read_plain_file(path, MAX_BYTES, "trust file")
    before = trust.parse(data, str(path))
    return _written(_renewed(data, before, keyset, ledger, asked, now), path)


def _renewed(
    data: bytes, before: trust.TrustFile, keyset: KeySet, ledger: LedgerView, asked: Asked, now: str
) -> dict[str, Any]:
    """The document that `before` was read from, as it has to be now."""
    known = ledger.trust()
    quorum, witnesses = before.witnesses
    if asked.witnesses:
        quorum, witnesses = 0, tuple(asked.witnesses)
    exported = json.loads(
        trust.export_trust(
            keyset, name=asked.name or before.name, origin=before.origin, now=now, ledger=known,
            detector=before.detector if asked.detector is None else asked.detector, tsa_roots=asked.tsa_roots,
            witnesses=(quorum if asked.quorum is None else asked.quorum, witnesses), report_keys=asked.report_keys,
        )
    )  # fmt: skip
    anew = {
        "name": asked.name is not None, "detector": asked.detector is not None, "tsaRoots": bool(asked.tsa_roots),
        "witnesses": bool(asked.witnesses) or asked.quorum is not None, "reportKeys": bool(asked.report_keys),
    }  # fmt: skip
    said = [key for key, wanted in anew.items() if wanted and key in exported]
    fresh: dict[str, Any] = json.loads(data) | {key: exported[key] for key in (*OWN, *said)}
    revoked = earliest(dict(before.revoked), known.revoked_from())
    if revoked:
        fresh["revoked"] = [{"kid": kid, "fromIndex": index} for kid, index in revoked.items()]
    if known.approvers is not None:
        fresh["approvers"] = exported["approvers"]
    if not before.leaf_fingerprints:  # whoever wrote the file allows every leaf of its anchors
        fresh["leafFingerprints"] = []
    return fresh


def _written(document: dict[str, Any], path: Path) -> bytes:
    """As bytes that parse. Raises TrustError."""
    data = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    trust.parse(data, str(path))
    return data


def write(path: Path, document: dict[str, Any]) -> None:
    """Put `document` in place of the trust file at `path`.

    Raises TrustError for one that cannot be used, StorageError.
    """
    _replace(path, _written(document, path))


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
