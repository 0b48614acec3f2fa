"""What a witness remembers, in one SQLite file (SPEC 14.7): which ledgers it follows, and the largest tree of each.

The crash order of one cosignature, in `Memory.cosign`:

    BEGIN IMMEDIATE      one at a time, over all threads and processes
    read what is held, apply the rules (witness.py), sign
    write the checkpoint with the new lines
    COMMIT               synced to the disk, and the folder too
    only now the lines are returned

A witness that dies before COMMIT has forgotten a signature that nobody got. One that dies after it answers the same
question with 409 and the size that it holds; asked from there, it cosigns the same checkpoint again. It can therefore
never be made to cosign two trees of which neither extends the other, unless this file is put back to an earlier state.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from personactl_ledger.checkpoint import Checkpoint, log_signed_part
from personactl_ledger.cosignature import WitnessSigner
from personactl_ledger.database import apply_settings, storage_errors
from personactl_ledger.encoding import require_time
from personactl_ledger.errors import LedgerConflict, LedgerCorrupt, LedgerMissing, WitnessRefused
from personactl_ledger.note import group_vkeys
from personactl_ledger.witness import AddCheckpoint, FollowedLog, Held, accepted, extends

FILE = "witness.sqlite"
APPLICATION_ID = 0x504C5731  # "PLW1"
MAX_REFUSED = 256
"""Refused checkpoints that are kept for each ledger; more would let its owner fill the disk."""
BUSY_MILLISECONDS = 10_000

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = 1;
CREATE TABLE log (
  origin TEXT PRIMARY KEY,
  vkeys TEXT NOT NULL,
  revoked TEXT NOT NULL,
  added_at TEXT NOT NULL
) STRICT;
CREATE TABLE held (
  origin TEXT PRIMARY KEY REFERENCES log (origin),
  size INTEGER NOT NULL CHECK (size >= 0),
  root BLOB NOT NULL CHECK (length(root) = 32),
  note TEXT NOT NULL,
  cosigned_at INTEGER NOT NULL
) STRICT;
CREATE TABLE refused (
  origin TEXT NOT NULL REFERENCES log (origin),
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note TEXT NOT NULL,
  code TEXT NOT NULL,
  refused_at INTEGER NOT NULL,
  PRIMARY KEY (origin, size, root)
) STRICT;
CREATE TRIGGER held_grows BEFORE UPDATE ON held WHEN NEW.size < OLD.size OR NEW.origin <> OLD.origin
  BEGIN SELECT RAISE(ABORT, 'witness: a tree never shrinks'); END;
CREATE TRIGGER held_stays BEFORE DELETE ON held BEGIN SELECT RAISE(ABORT, 'witness: nothing is forgotten'); END;
"""
_SETTINGS: tuple[tuple[str, str, int | str], ...] = (
    ("busy_timeout", str(BUSY_MILLISECONDS), BUSY_MILLISECONDS),
    ("trusted_schema", "OFF", 0),
    ("foreign_keys", "ON", 1),
    ("journal_mode", "DELETE", "delete"),
    ("synchronous", "EXTRA", 3),
    ("fullfsync", "ON", 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One ledger as a witness sees it. `size` is the largest tree that it cosigned, `cosigned_at` when (POSIX seconds,
    None before the first), `refused` the number of signed checkpoints that it kept because they did not extend it."""

    origin: str
    vkeys: tuple[str, ...]
    size: int
    cosigned_at: int | None
    refused: int


def empty_state() -> bytes:
    """The bytes of a new state file: following nothing."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.executescript(_SCHEMA)
        return connection.serialize()
    finally:
        connection.close()


class Memory:
    """The state file of one witness. Each call opens it anew, so that threads and processes may share it."""

    def __init__(self, folder: Path):
        """Raises LedgerMissing (code witness.state-missing): a witness must not begin anew under an old key."""
        self.path = folder / FILE
        if not self.path.is_file() or self.path.is_symlink():
            raise LedgerMissing(
                f"there is no {FILE} of a witness here",
                where=str(self.path),
                hint="personactl ledger witness new makes one; one that was lost is replaced by a new witness",
                code="witness.state-missing",
            )
        with self._transaction("DEFERRED"):
            pass  # its format was compared

    def follow(self, log: FollowedLog, *, now: str, replace: bool = False) -> bool:
        """Follow a ledger by these keys and revocations from now on; False when it was so before.

        Raises LedgerConflict (code witness.log-known) for others of a followed origin without `replace`.
        """
        told = (json.dumps([str(key) for keys in log.keys for key in keys]), json.dumps(log.revoked))
        with self._transaction() as connection:
            row = connection.execute("SELECT vkeys, revoked FROM log WHERE origin = ?", (log.origin,)).fetchone()
            if row is not None and tuple(row) == told:
                return False
            if row is not None and not replace:
                raise LedgerConflict(
                    "this witness follows that ledger by other log keys or revocations",
                    where=log.origin,
                    hint="ask its owner by a way that you trust whether the key was changed, then: --replace",
                    code="witness.log-known",
                )
            connection.execute(
                "INSERT INTO log (origin, vkeys, revoked, added_at) VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE"
                " SET vkeys = excluded.vkeys, revoked = excluded.revoked, added_at = excluded.added_at",
                (log.origin, *told, require_time(now)),
            )
        return True

    def followed(self) -> list[Followed]:
        """Every ledger that this witness follows, by origin."""
        sql = (
            "SELECT l.origin, l.vkeys, coalesce(h.size, 0), h.cosigned_at,"
            " (SELECT count(*) FROM refused AS r WHERE r.origin = l.origin)"
            " FROM log AS l LEFT JOIN held AS h ON h.origin = l.origin ORDER BY l.origin"
        )
        with self._transaction("DEFERRED") as connection:
            rows = connection.execute(sql).fetchall()
        return [
            Followed(origin=origin, vkeys=tuple(json.loads(vkeys)), size=size, cosigned_at=at, refused=refused)
            for origin, vkeys, size, at, refused in rows
        ]

    def latest(self, origin: str) -> str | None:
        """The latest checkpoint of a ledger with the cosignatures of this witness, as a signed note."""
        with self._transaction("DEFERRED") as connection:
            row = connection.execute("SELECT note FROM held WHERE origin = ?", (origin,)).fetchone()
        return None if row is None else str(row[0])

    def refusals(self, origin: str) -> list[str]:
        """The signed checkpoints of a ledger that did not extend what was held, as signed notes: evidence of a fork."""
        with self._transaction("DEFERRED") as connection:
            sql = "SELECT note FROM refused WHERE origin = ? ORDER BY refused_at, size, root"
            return [str(row[0]) for row in connection.execute(sql, (origin,)).fetchall()]

    def cosign(self, request: AddCheckpoint, signer: WitnessSigner, *, seconds: int) -> str:
        """Apply the rules, remember the checkpoint durably, and only then return the lines (SPEC 14.6, 14.7).

        `seconds` is the time of the cosignature, POSIX. Raises WitnessRefused, LedgerLocked, LedgerStorage.
        """
        with self._transaction() as connection:
            outcome = _decide(connection, request, signer, seconds)
        # What was decided is on the disk now: it may leave.
        if isinstance(outcome, WitnessRefused):
            raise outcome
        return outcome

    @contextmanager
    def _transaction(self, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        uri = f"file:{quote(str(self.path.absolute()))}?mode=rw"
        with storage_errors(self.path):
            connection = sqlite3.connect(uri, uri=True, isolation_level=None)
            try:
                apply_settings(connection, self.path, _SETTINGS)
                _require_format(connection, self.path)
                connection.execute(f"BEGIN {kind}")
                yield connection
                connection.execute("COMMIT")
            finally:
                connection.close()  # rolls back what was not committed


def _decide(
    connection: sqlite3.Connection, request: AddCheckpoint, signer: WitnessSigner, seconds: int
) -> str | WitnessRefused:
    """The lines, with the checkpoint remembered; or why not, with a checkpoint that may be evidence kept."""
    log = _log(connection, request.origin)
    checkpoint = accepted(request, log)
    held = _held(connection, request.origin)
    own = [key for keys in log.keys for key in keys] if log is not None else []
    note = log_signed_part(checkpoint, own).decode()
    try:
        extends(request, checkpoint, held)
    except WitnessRefused as error:
        if error.status == 422 or (checkpoint.size == held.size and checkpoint.root != held.root):
            _keep(connection, checkpoint, note, error.code, seconds)
        return error
    lines = "".join(str(line) for line in signer.cosign(checkpoint, seconds))
    connection.execute(
        "INSERT INTO held (origin, size, root, note, cosigned_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note,"
        " cosigned_at = excluded.cosigned_at",
        (checkpoint.origin, checkpoint.size, checkpoint.root, note + lines, seconds),
    )
    return lines


def _keep(connection: sqlite3.Connection, checkpoint: Checkpoint, note: str, code: str, seconds: int) -> None:
    """A checkpoint that its ledger signed and that does not extend what was held: up to MAX_REFUSED of each ledger."""
    count = connection.execute("SELECT count(*) FROM refused WHERE origin = ?", (checkpoint.origin,)).fetchone()[0]
    if count < MAX_REFUSED:
        connection.execute(
            "INSERT OR IGNORE INTO refused (origin, size, root, note, code, refused_at) VALUES (?, ?, ?, ?, ?, ?)",
            (checkpoint.origin, checkpoint.size, checkpoint.root, note, code, seconds),
        )


def _log(connection: sqlite3.Connection, origin: str) -> FollowedLog | None:
    row = connection.execute("SELECT vkeys, revoked FROM log WHERE origin = ?", (origin,)).fetchone()
    if row is None:
        return None
    revoked = tuple((kid, start) for kid, start in json.loads(row[1]))
    return FollowedLog(origin=origin, keys=group_vkeys(json.loads(row[0]), origin), revoked=revoked)


def _held(connection: sqlite3.Connection, origin: str) -> Held:
    row = connection.execute("SELECT size, root FROM held WHERE origin = ?", (origin,)).fetchone()
    return Held() if row is None else Held(size=row[0], root=bytes(row[1]))


def _require_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raises LedgerCorrupt (code witness.state) for a file that is not the state of a witness."""
    found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if found != [APPLICATION_ID, 1]:
        raise LedgerCorrupt(
            "this is not the state of a witness, or that of a later version",
            where=str(path),
            hint="keep the file as it is; make a new witness in another folder",
            code="witness.state",
        )
