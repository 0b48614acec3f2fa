"""`keys rotate`: one key takes over from another. The crash order:

    1 staged      the new key files lie in keys/.rotation, all of them, on the disk; nothing else has changed
    2 recorded    one transaction of the ledger adds the new key, ends the old one and signs the checkpoints
    3 kept        only if asked: a copy of the old files in keys/old
    4 installed   each new file replaces the old one by a rename
    5 published   trust.json names the new key beside the old ones
    6 finished    keys/.rotation is gone

Whenever this is cut off, `keys rotate ROLE` goes on from there, and until then every command that signs refuses the
folder. Up to 2 (for c2pa, which has no 2, up to 4) it can be abandoned instead, and a disk that fails there leaves
nothing. Whether 2 has happened is asked of the ledger. Up to 2 the old key is the ledger's, from 2 on the new one.
The writer's lock is held throughout.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from personactl_ledger import (
    Ed25519Signer,
    EntryRefused,
    FormatError,
    Ledger,
    LedgerConflict,
    LedgerError,
    LedgerStorage,
    LogSigner,
    ProfileError,
    Signer,
)
from personactl_ledger.aftermath import distrusted_checkpoints, distrusted_entries
from personactl_ledger.revocation import ends_of
from personactl_ledger.succession import Ending, Signers, Successor, succeed

from personactl import continuity
from personactl.config import Config
from personactl.errors import ConflictError, KeyProblem, PersonactlError, StorageError, UsageProblem
from personactl.keys import keyset, layout, material, moments, project_trust, rotation_folder
from personactl.keys.keyset import KeySet
from personactl.keys.moments import Moment
from personactl.keys.people import at_hand
from personactl.keys.rotation_folder import Begun, Request

__all__ = ["Request", "Rotated", "abandon", "rotate"]

_REFUSALS = (EntryRefused, LedgerConflict, FormatError, ProfileError)
"""After these the ledger is what it was before; after anything else it has to be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What was done. `old` and `new` name the keys; `added` and `ended` are entry indexes (None for c2pa);
    `distrusted` are all entries, and `distrusted_checkpoints` the sizes of all checkpoints, that revocations take back
    now; `fallen` (role, key id) of the project's own keys that fell with others; `kept` the folder with the old files;
    `published` whether the project's trust.json is up to date; `resumed` whether an earlier try was gone on from."""

    request: Request
    old: str
    new: str
    added: int | None
    ended: int | None
    checkpoint: int | None
    distrusted: tuple[int, ...]
    distrusted_checkpoints: tuple[int, ...]
    fallen: tuple[tuple[str, str], ...]
    kept: Path | None
    published: bool
    resumed: bool


def rotate(
    project: Config, request: Request, *, now: Moment, more_roots: Sequence[Signer] = (),
    passed: Callable[[str], None] = lambda step: None,
) -> Rotated:  # fmt: skip
    """Follow the key of `request.role`, or finish the rotation that was begun. `more_roots` are root keys that lie
    elsewhere and sign along; `passed` is told of each step that is on the disk. `now` is read under the writer's lock.

    Raises UsageProblem for options that do not fit, KeyProblem (keys.root-offline, keys.not-in-use, keys.root-alone,
    …), ConflictError when another rotation is unfinished, StorageError, LedgerError.
    """
    _require_sense(request)
    folder = project.keys_path
    resumed = rotation_folder.find(folder) is not None
    try:
        return _rotate(project, request, now, more_roots, passed)
    except LedgerStorage:
        if not resumed:
            _drop_unrecorded(project)
        raise


def _rotate(
    project: Config, request: Request, now: Moment, more_roots: Sequence[Signer], passed: Callable[[str], None]
) -> Rotated:
    folder = project.keys_path
    with continuity.open_writer(project) as ledger, _storage(folder):
        time = moments.read(now)
        layout.require_closed(folder)
        begun = rotation_folder.find(folder)
        resumed = begun is not None
        if begun is None:
            _require_writable(project)
            begun = _stage(folder, request, ledger, more_roots, time)
        _require_same(begun.request, request)
        passed("staged")
        added, ended = _record(folder, begun, ledger, more_roots, time)
        passed("recorded")
        kept = rotation_folder.keep(folder, begun) if begun.request.keep_old else None
        passed("kept")
        rotation_folder.install(folder, begun, passed)
        passed("installed")
        keys = keyset.load_unsettled(folder)
        published = project_trust.refresh(project.trust_path, keys, ledger, now=time)
        passed("published")
        rotation_folder.end(folder)
        passed("finished")
        head = ledger.latest_checkpoint()
        return Rotated(
            request=begun.request, old=begun.old, new=begun.new, added=added, ended=ended,
            checkpoint=None if head is None else head.size, kept=kept, published=published, resumed=resumed,
            distrusted=distrusted_entries(ledger), distrusted_checkpoints=distrusted_checkpoints(ledger),
            fallen=continuity.fallen(ledger, keys.in_folder),
        )  # fmt: skip


def abandon(project: Config, role: str) -> Begun:
    """Drop the rotation of `role` that was begun, with its new keys, while the old key is still the one in use.

    Raises UsageProblem when none was begun, ConflictError (code keys.rotation-unfinished) when another role's was, or
    when it can only be finished any more, KeyProblem, LedgerError, StorageError.
    """
    folder = project.keys_path
    with continuity.open_writer(project) as ledger, _storage(folder):
        begun = rotation_folder.find(folder)
        if begun is None:
            raise UsageProblem("--abandon: no rotation was begun", hint="personactl keys check")
        _require_same(begun.request, Request(role=role))
        if not _may_end(folder, ledger, begun):
            raise ConflictError(
                f"this rotation cannot be abandoned: {begun.new} is in use already",
                hint=f"personactl keys rotate {begun.request.role} finishes it",
                code="keys.rotation-unfinished",
            )
        rotation_folder.forget(folder, begun)
        rotation_folder.end(folder)
    return begun


def _drop_unrecorded(project: Config) -> None:
    """After a failure of the disk: if the ledger says that nothing became of the rotation, nothing stays of it. If it
    cannot be asked, the rotation is there to be finished or abandoned."""
    with suppress(LedgerError, PersonactlError, OSError), continuity.open_writer(project) as ledger:
        begun = rotation_folder.find(project.keys_path)
        if begun is not None and _may_end(project.keys_path, ledger, begun):
            rotation_folder.end(project.keys_path)


def _may_end(folder: Path, ledger: Ledger, begun: Begun) -> bool:
    """Whether nothing but the staged files would go: the ledger does not have the new key, and no file is in place."""
    return not _recorded(ledger, begun) and rotation_folder.untouched(folder, begun)


def _require_writable(project: Config) -> None:
    """Raises StorageError where a place that the rotation has to change cannot be written."""
    trust = [project.trust_path.parent] if project.trust_path.exists() else []
    for place in (project.keys_path, project.ledger_path.parent, *trust):
        if not os.access(place, os.W_OK | os.X_OK):
            raise StorageError(
                "cannot write here, so no key was changed", where=str(place), hint="give the right to write"
            )


def _require_sense(request: Request) -> None:
    compromised = request.compromised_since is not None
    if request.role == "c2pa" and compromised:
        raise UsageProblem(
            "the C2PA leaf signs files and no entries, so there is no entry to distrust it from",
            hint="personactl keys rotate c2pa --unlist-old",
        )
    if request.unlist_old and request.role != "c2pa":
        raise UsageProblem(
            "--unlist-old is for the C2PA leaf; other keys stay listed for what they signed",
            hint="a stolen key is ended by --compromised-since INDEX --reason TEXT",
        )
    if compromised and not request.reason:
        raise UsageProblem("--compromised-since needs a --reason", hint="say in a few words what happened")


def _require_same(begun: Request, asked: Request) -> None:
    """An unfinished rotation is gone on with as it was begun; asked without options, its own are meant."""
    if begun.role != asked.role or asked not in (begun, Request(role=begun.role)):
        raise ConflictError(
            f"a rotation of the {begun.role} key was begun with other options and is not finished",
            hint=f"personactl keys rotate {begun.role} finishes it (it was: {begun.words()}), --abandon drops it",
            code="keys.rotation-unfinished",
        )


def _stage(folder: Path, request: Request, ledger: Ledger, more_roots: Sequence[Signer], now: str) -> Begun:
    """Step 1, after everything that can be known to fail was asked."""
    keys = keyset.load_unsettled(folder)
    made = material.make(folder, request.role, now=now, unlist_old=request.unlist_old)
    if request.role != "c2pa":
        _require_in_use(ledger, request.role, made.old)
        _roots(keys, request, made.old, ledger, more_roots)
    return rotation_folder.begin(folder, request, made)


def _require_in_use(ledger: Ledger, role: str, kid: str) -> None:
    if kid not in ledger.in_use(role):
        raise KeyProblem(
            f"the {role} key of the folder ({kid}) is not one that the ledger has in use",
            hint="personactl ledger log --kind key-add; restore the folder that belongs to this ledger",
            code="keys.not-in-use",
        )


def _roots(
    keys: KeySet, request: Request, old: str, ledger: Ledger, more: Sequence[Signer]
) -> tuple[Signer, ...]:  # fmt: skip
    """The root keys that certify the successor: those that are believed when `old` has ended as `request` says. A
    stolen root key, or one that fell or falls with it, would take the successor along (SPEC 6.6, 9.1)."""
    since = request.compromised_since
    stolen = request.role == "root" and since is not None
    ends = ends_of(ledger.rules.keyring, {old: since} if stolen and since is not None else {})
    given = at_hand(keys, more)
    found = tuple(signer for signer in given if signer.key_id not in ends)
    fell = [signer.key_id for signer in given if signer.key_id in ends and signer.key_id != old]
    if fell and not found:
        raise _root_alone(f"the root key {fell[0]} cannot certify a successor: what enrolled it is not to be believed")
    if stolen and not found:
        raise _root_alone("a stolen root key cannot certify its own successor: whoever has it can do the same")
    return found or (keys.root,)


def _root_alone(message: str) -> KeyProblem:
    return KeyProblem(
        message,
        hint="name another root key of this ledger with --root-key; docs/keys.md says what to do without one",
        code="keys.root-alone",
    )


def _record(
    folder: Path, begun: Begun, ledger: Ledger, more_roots: Sequence[Signer], now: str
) -> tuple[int | None, int | None]:
    """Step 2, unless the ledger has it already: the indexes of the two entries."""
    role = begun.request.role
    if role == "c2pa":
        return None, None
    found = _recorded(ledger, begun)
    if found:
        return found[0], found[0] + 1
    keys, place = keyset.load_unsettled(folder), folder / layout.ROTATION
    certifying = _roots(keys, begun.request, begun.old, ledger, more_roots)
    log, ending = keys.log, certifying
    if role == "ledger":
        log = LogSigner(keyset.load_ed25519(place, layout.LEDGER_KEY), keyset.load_mldsa(place))
        successor = Successor(role=role, public_key=log.public_key, vkeys=log.vkeys(ledger.origin))
    else:
        new = Ed25519Signer(keyset.load_ed25519(place, material.FILES[role][0]))
        successor = Successor(role=role, public_key=new.public_key)
        if role == "root":
            others = [signer for signer in certifying if signer.key_id != begun.old]
            ending = (new, *others)
    end = Ending(kid=begun.old, from_index=begun.request.compromised_since, reason=begun.request.reason)
    by = Signers(adding=certifying, ending=ending, old=keys.log, new=log)
    try:
        done = succeed(ledger, successor, end, by, now=now)
    except _REFUSALS:
        rotation_folder.end(folder)
        raise
    return done.added, done.ended


def _recorded(ledger: Ledger, begun: Begun) -> list[int]:
    """The index of the entry that adds the new key, if the ledger has it."""
    return [item.index for item in ledger.entries(kind="key-add") if item.entry.predicate["kid"] == begun.new]


@contextmanager
def _storage(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the key folder cannot be written: {error.strerror}",
            where=str(folder),
            hint="make room or give the right to write, and run the same command again",
        ) from error
