"""Is this ledger the one that the project has seen, and no shorter? A ledger that was cut back still checks as whole.

Signatures and hashes cannot tell an older copy from the ledger itself; only somebody who remembers more can. Working
on would record other entries under indices that receipts already prove, signed by the project's own keys. So whatever
writes a ledger with the project's keys opens it here: it is compared with what is remembered before, and what it has
become is remembered after. `.personactl/ledgers.json` holds, for each origin, how many entries were seen and the hash
of the last leaf. Nothing makes it hold less, or forget an origin; a restore only says which one goes on.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from personactl_ledger import Ledger, LedgerView
from personactl_ledger.errors import LedgerError
from personactl_ledger.revocation import ends_of

from personactl.config import Config
from personactl.errors import ConflictError, KeyProblem, StorageError

FOLDER = ".personactl"
FILE_NAME = "ledgers.json"
SCHEMA = "personactl.ledgers/1"
MAX_BYTES = 1 << 20
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Seen:
    """How long a ledger was, and the hash (hex) of its last leaf."""

    size: int
    last_leaf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`current` is the origin of the project's ledger, "" before it was opened for the first time; `ledgers` what was
    seen of each origin, ended ones among them."""

    current: str = ""
    ledgers: Mapping[str, Seen] = field(default_factory=dict)


@contextmanager
def open_writer(
    config: Config | None, path: Path | None = None, *, signers: Iterable[tuple[str, str]] = ()
) -> Iterator[Ledger]:
    """The project's ledger, or the one at `path`, open for writing: the only way to it for all that signs.

    `signers` are (role, key id) of the keys that are about to sign. `config` is None outside of a project, where
    nothing is remembered. Raises, before anything is written, ConflictError (conflict.ledger-moved,
    conflict.other-ledger) and KeyProblem (keys.distrusted); LedgerError, StorageError.
    """
    if config is None:
        if path is None:
            raise RuntimeError("a ledger is named by a project or by its path")
        with Ledger.open_writer(path) as ledger:
            require_believed(ledger, signers)
            yield ledger
        return
    target = config.ledger_path if path is None else path
    with Ledger.open_writer(target) as ledger:
        own = is_own(config, target)
        memory = load(config.project)
        require_continuation(ledger, memory, target, own=own)
        require_believed(ledger, signers)
        if own or ledger.origin in memory.ledgers:
            _require_memory(config.project)
        _remember(config.project, ledger, own=own)
        try:
            yield ledger
        except BaseException:
            with suppress(StorageError, LedgerError):  # what went wrong matters more
                _remember(config.project, ledger, own=own)
            raise
        _remember(config.project, ledger, own=own)


def is_own(config: Config, path: Path) -> bool:
    """Whether `path` is the project's ledger, by whatever name, also where it is missing."""
    with suppress(OSError):
        return path.samefile(config.ledger_path)
    return path.resolve() == config.ledger_path.resolve()


def begin(project: Path, ledger: Ledger) -> None:
    """Remember `ledger` as the project's, which goes on from here: after it was founded or lawfully restored."""
    _change(project, lambda memory: Memory(current=ledger.origin, ledgers=_with(memory, ledger)))


def require_continuation(ledger: LedgerView, memory: Memory, path: Path, *, own: bool) -> None:
    """Refuse a ledger of a remembered origin that is shorter than it was, or holds another entry at the last index that
    was seen; and as the project's `own` one of another origin. `path` is for the message.

    Raises ConflictError (conflict.ledger-moved, conflict.other-ledger).
    """
    if own and memory.current not in ("", ledger.origin):
        raise other_ledger(ledger.origin, memory.current, path)
    seen = memory.ledgers.get(ledger.origin)
    if seen is None:
        return
    if ledger.size < seen.size:
        raise _moved(
            f"the ledger is older than what this project has seen: {ledger.size} entries, and there were {seen.size}",
            path,
        )
    if _last_leaf(ledger, seen.size) != seen.last_leaf:
        raise _moved(f"the ledger has another entry {seen.size - 1} than the one that this project has seen", path)


def require_believed(ledger: LedgerView, signers: Iterable[tuple[str, str]]) -> None:
    """Raise KeyProblem (keys.distrusted) for the first of `signers`, (role, key id), that a revocation in this ledger
    takes back: nobody would have to believe what it signs (ledger SPEC 9.1)."""
    for role, kid in fallen(ledger, signers):
        raise KeyProblem(fall(role, kid), where=str(ledger.path), hint=successor(role), code="keys.distrusted")


def fallen(ledger: LedgerView, signers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those of `signers` that fall with a key that was revoked. Those that were revoked themselves are not among them:
    the ledger takes nothing from them."""
    keyring = ledger.rules.keyring
    ends = ends_of(keyring, {})
    return tuple((role, kid) for role, kid in signers if kid in ends and kid not in keyring.revocations)


def fall(role: str, kid: str) -> str:
    """What happened to a key of `fallen`."""
    return f"the {role} key {kid} is distrusted: the key that enrolled it is not to be believed"


def successor(role: str) -> str:
    """The command that gives the project a key of `role` that is believed instead of one that fell."""
    return f"personactl keys rotate {role}" + (" --root-key FILE, a root key that stands" if role == "root" else "")


def check_ledger(ledger: LedgerView, project: Path, path: Path) -> None:
    """`require_continuation` of the project's ledger for somebody who only asks."""
    require_continuation(ledger, load(project), path, own=True)


def doubts(config: Config, path: Path) -> tuple[str, ...]:
    """The same as words for somebody who looks at the file at `path` anyway: nothing about one that is not the
    project's ledger, or where ledger or memory cannot be read."""
    with suppress(LedgerError, StorageError):
        if is_own(config, path):
            with Ledger.open_reader(path) as ledger:
                try:
                    check_ledger(ledger, config.project, path)
                except ConflictError as error:
                    return (f"{error.message} (personactl explain {error.code})",)
    return ()


def other_ledger(
    found: str, expected: str, path: Path, *, hint: str = "put the project's own ledger back; nothing was written"
) -> ConflictError:
    """The error for a ledger of another origin than the one that is expected."""
    return ConflictError(
        f"this is another ledger ({found}) than the one that this project works with ({expected})",
        where=str(path),
        hint=hint,
        code="conflict.other-ledger",
    )


def load(project: Path) -> Memory:
    """What is remembered; nothing before the first time. Raises StorageError (storage.ledgers-damaged)."""
    path = project / FOLDER / FILE_NAME
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Memory()
    except OSError as error:
        raise _failed("read", path, error, "give the right to read it") from error
    try:
        return _parse(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise StorageError(
            "the memory of the ledgers that this project has seen cannot be read",
            where=str(path),
            hint="put it back from a backup; personactl explain storage.ledgers-damaged says what it is for",
            code="storage.ledgers-damaged",
        ) from None


def _parse(data: bytes) -> Memory:
    said = json.loads(data)
    ledgers = {origin: Seen(item["size"], item["lastLeaf"]) for origin, item in said["ledgers"].items()}
    sound = all(type(seen.size) is int and seen.size > 0 and _HASH.fullmatch(seen.last_leaf) for seen in
                ledgers.values())  # fmt: skip
    if len(data) > MAX_BYTES or said["schema"] != SCHEMA or not sound or said["current"] not in ledgers:
        raise ValueError
    return Memory(current=said["current"], ledgers=ledgers)


def _remember(project: Path, ledger: Ledger, *, own: bool) -> None:
    """Of a ledger that is not the project's, only when it is of an origin that is known."""

    def seen(memory: Memory) -> Memory:
        if not own and ledger.origin not in memory.ledgers:
            return memory
        return Memory(current=memory.current or ledger.origin, ledgers=_with(memory, ledger))

    _change(project, seen)


def _with(memory: Memory, ledger: Ledger) -> dict[str, Seen]:
    known, size = memory.ledgers.get(ledger.origin), ledger.size
    if known is not None and known.size >= size:
        return dict(memory.ledgers)
    return {**memory.ledgers, ledger.origin: Seen(size, _last_leaf(ledger, size))}


def _last_leaf(ledger: LedgerView, size: int) -> str:
    return ledger.entry(size - 1).entry.leaf_hash.hex()


def _require_memory(project: Path) -> None:
    """Find out whether what the ledger becomes can be remembered, while nothing was written yet: a file as long as the
    memory is put beside it, and removed. Raises StorageError."""
    with _locked(project, "make room or give the right to write; nothing was changed") as folder:
        os.unlink(_staged(folder, _text(load(project))), dir_fd=folder)


def _change(project: Path, change: Callable[[Memory], Memory]) -> None:
    """What `change` makes of the memory, on the disk when this returns: the whole new file or the old one."""
    hint = "make room or give the right to write; what was written to the ledger stands: see personactl ledger log"
    with _locked(project, hint) as folder:
        before = load(project)
        after = change(before)
        if after != before:
            _replace(folder, _text(after))


@contextmanager
def _locked(project: Path, hint: str) -> Iterator[int]:
    """The folder of the memory under a lock, because commands may have different files of one ledger open. Raises
    StorageError with `hint` for what fails in the block too."""
    folder = project / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _failed("written", folder / FILE_NAME, error, hint) from error


def _text(memory: Memory) -> bytes:
    ledgers = {origin: {"size": seen.size, "lastLeaf": seen.last_leaf} for origin, seen in memory.ledgers.items()}
    document = {"schema": SCHEMA, "current": memory.current, "ledgers": ledgers}
    return (json.dumps(document, indent=2) + "\n").encode()


def _replace(folder: int, data: bytes) -> None:
    staging = _staged(folder, data)
    try:
        os.rename(staging, FILE_NAME, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(staging, dir_fd=folder)


def _staged(folder: int, data: bytes) -> str:
    """The name of a new file in `folder` with `data`, on the disk; none is left when that fails."""
    staging = f".{FILE_NAME}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(staging, flags, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            os.unlink(staging, dir_fd=folder)
        raise
    return staging


def _failed(what: str, path: Path, error: OSError, hint: str) -> StorageError:
    return StorageError(
        f"the memory of the ledgers that this project has seen cannot be {what}: {error.strerror}",
        where=str(path),
        hint=hint,
    )


def _moved(message: str, path: Path) -> ConflictError:
    return ConflictError(
        message,
        where=str(path),
        hint=f"put the newer ledger back; {FOLDER}/{FILE_NAME} remembers it, and nothing was written",
        code="conflict.ledger-moved",
    )
