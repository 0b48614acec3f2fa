"""Making a new ledger file: the first three entries, complete or not at all (SPEC 6.2, 11.5)."""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from personactl_ledger.database import storage_errors, sync_directory
from personactl_ledger.ed25519 import key_id
from personactl_ledger.encoding import require_time, to_base64
from personactl_ledger.entry import Entry, parse_entry, sign_entry
from personactl_ledger.errors import LedgerConflict
from personactl_ledger.growth import Growth
from personactl_ledger.predicates import FORMAT, LEDGER, OPERATOR
from personactl_ledger.rules import Rules, origin_of
from personactl_ledger.schema import schema_sql
from personactl_ledger.sealed import Sealed
from personactl_ledger.signer import LogSigner, Signer
from personactl_ledger.statement import statement
from personactl_ledger.store import Store, TableBook


def genesis_leaf(
    *,
    domain: str,
    development: bool,
    root: Signer,
    now: str,
    ledger_id: bytes,
    more_roots: Sequence[Signer] = (),
    root_threshold: int | None = None,
) -> bytes:
    """The leaf of entry 0 (SPEC 6.2). `ledger_id` is 16 random bytes."""
    roots = (root, *more_roots)
    predicate: dict[str, object] = {
        "ledgerId": ledger_id.hex(),
        "format": FORMAT,
        "domain": domain,
        "development": development,
        "rootKeys": [{"kid": item.key_id, "publicKey": to_base64(item.public_key)} for item in roots],
        "createdAt": require_time(now),
    }
    if root_threshold is not None:
        predicate["rootThreshold"] = root_threshold
    subject = ("ledger", hashlib.sha256(ledger_id).hexdigest())
    return sign_entry(statement("genesis", subject=subject, predicate=predicate), *roots)


def key_add_leaf(
    *,
    origin: str,
    role: str,
    public_key: bytes,
    root: Signer,
    now: str,
    vkeys: tuple[str, ...] = (),
    more_roots: Sequence[Signer] = (),
    sealed: Sequence[Sealed] = (),
) -> bytes:
    """The leaf of a key-add entry (SPEC 6.6); its subject is the key, by the SHA-256 of its 32 bytes. `sealed` holds
    what it commits to, such as a person's name."""
    predicate: dict[str, object] = {
        "origin": origin,
        "role": role,
        "kid": key_id(public_key),
        "publicKey": to_base64(public_key),
        "addedAt": require_time(now),
    }
    if vkeys:
        predicate["vkeys"] = list(vkeys)
    if sealed:
        predicate["sealed"] = {item.field: item.commitment for item in sealed}
    subject = ("key", hashlib.sha256(public_key).hexdigest())
    return sign_entry(statement("key-add", subject=subject, predicate=predicate), root, *more_roots)


def found(
    path: Path,
    *,
    domain: str,
    development: bool,
    root: Signer,
    operator_public: bytes,
    log: LogSigner,
    now: str,
    ledger_id: bytes | None = None,
) -> None:
    """Write a ledger of three entries at `path`: genesis, the operator's key, the ledger key.

    It is built under another name and linked into place, so `path` is either absent or whole. The caller holds the
    writer's lock. Raises LedgerConflict (code ledger.exists) when something is there.
    """
    if os.path.lexists(path):
        raise _exists(path)
    identity = secrets.token_bytes(16) if ledger_id is None else ledger_id
    genesis = parse_entry(genesis_leaf(domain=domain, development=development, root=root, now=now, ledger_id=identity))
    origin = origin_of(genesis)
    operator = key_add_leaf(origin=origin, role=OPERATOR, public_key=operator_public, root=root, now=now)
    ledger = key_add_leaf(
        origin=origin, role=LEDGER, public_key=log.public_key, root=root, now=now, vkeys=log.vkeys(origin)
    )
    draft = path.with_name(path.name + ".creating")
    with storage_errors(path):
        draft.unlink(missing_ok=True)
        try:
            os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            _write(draft, [genesis, parse_entry(operator), parse_entry(ledger)], now)
            try:
                os.link(draft, path)
            except FileExistsError:
                raise _exists(path) from None
        finally:
            for name in (draft, draft.with_name(draft.name + "-journal")):
                with suppress(FileNotFoundError):
                    name.unlink()
            sync_directory(path.absolute().parent)


def _write(draft: Path, entries: list[Entry], now: str) -> None:
    connection = sqlite3.connect(draft, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.executescript(f"BEGIN IMMEDIATE;\n{schema_sql()}")
        store = Store(connection)
        rules = Rules(TableBook(store))
        growth = Growth.load(store)
        for index, entry in enumerate(entries):
            rules.admit(index, entry)
            store.insert(index, entry, now)
            growth.append(entry.leaf_hash, store)
            rules.record(index, entry)
        connection.execute("COMMIT")
    finally:
        connection.close()


def _exists(path: Path) -> LedgerConflict:
    return LedgerConflict(
        "there is something at this path already; a ledger is never overwritten",
        where=str(path),
        hint="choose another path, or keep using the ledger that is there",
        code="ledger.exists",
    )
