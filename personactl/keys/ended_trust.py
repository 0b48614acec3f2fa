"""The project's trust.json after its ledger ended and a new one began: the old file is kept, a new one takes its place.

The old receipts need the old file, and the new ones the new file. What somebody put into it by hand stays, but for
`revoked`: its indexes are those of the ledger that ended.
"""

from __future__ import annotations

import json
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from personactl_ledger import LedgerView
from personactl_ledger.placing import place_new

from personactl.document import read_plain_file
from personactl.errors import StorageError, TrustError, UsageProblem
from personactl.keys import project_trust, trust
from personactl.keys.keyset import KeySet
from personactl.keys.strict_json import MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFiles:
    """The new trust file at `path`, and the old one, of the ledger that ended, at `aside`."""

    path: Path
    aside: Path


def begin(path: Path, keyset: KeySet, ledger: LedgerView, *, ended: str, now: str) -> TrustFiles | None:
    """Set the trust file at `path` aside and write one of `ledger`. None where there is none of the ledger with origin
    `ended`, or of another one under a root key of this project: then nothing is written. Raises StorageError."""
    if path.is_symlink():
        return None
    try:
        data = read_plain_file(path, MAX_BYTES, "trust file")
        before = trust.parse(data, str(path))
    except (UsageProblem, TrustError):
        return None
    ours = before.origin == ended or set(before.root_keys) & set(keyset.root_public_keys)
    if before.origin == ledger.origin or not ours:
        return None
    exported = json.loads(
        trust.export_trust(
            keyset, name=before.name, origin=ledger.origin, detector=before.detector, now=now, ledger=ledger.trust()
        )
    )
    fresh = json.loads(data) | {key: exported[key] for key in (*project_trust.OWN, "origin")}
    fresh.pop("revoked", None)
    if not before.leaf_fingerprints:  # whoever wrote the file allows every leaf of its anchors
        fresh["leafFingerprints"] = []
    aside = _keep(path, data, before.origin)
    project_trust.write(path, fresh)
    return TrustFiles(path=path, aside=aside)


def _keep(path: Path, data: bytes, origin: str) -> Path:
    """A file with the same bytes and mode, named by the end of the origin, which is on the disk when this returns."""
    stem, number = f"{path.stem}.ended-{origin[-16:]}", 1
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(data)
        draft.chmod(stat.S_IMODE(path.stat().st_mode))
        while True:
            aside = path.with_name(f"{stem}{path.suffix}" if number == 1 else f"{stem}-{number}{path.suffix}")
            try:
                place_new(draft, aside)
            except FileExistsError:
                if aside.is_file() and not aside.is_symlink() and aside.read_bytes() == data:
                    return aside  # of a restore that was cut off
                number += 1
            else:
                return aside
    except OSError as error:
        raise StorageError(
            f"the trust file cannot be set aside: {error.strerror}", where=str(path), hint="run the same command again"
        ) from None
    finally:
        draft.unlink(missing_ok=True)
