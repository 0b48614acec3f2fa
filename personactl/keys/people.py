"""Persons: enrolling a person's public key, also in place of an earlier one (SPEC 6.6)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from personactl_ledger import Draft, Ledger, check_public_key, key_add_leaf, key_id, seal
from personactl_ledger.predicates import LEDGER, PERSON, ROOT
from personactl_ledger.signer import Signer
from personactl_ledger.succession import Ending, Signers, Successor, succeed

from personactl import continuity
from personactl.config import Config
from personactl.document import read_plain_file
from personactl.errors import KeyProblem, UsageProblem
from personactl.keys import keyset, moments, project_trust
from personactl.keys.moments import Moment

MAX_PUBLIC_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A key in the ledger: its id, the index of its key-add entry, and of the entry that ended the one before it."""

    kid: str
    index: int
    ended: int | None = None


def read_public_key(path: Path) -> bytes:
    """The 32 bytes of an Ed25519 public key: in PEM, or as one line of base64.

    Raises KeyProblem (keys.private-given, keys.public-unreadable), EntryRefused (ledger.key-weak), UsageProblem
    (file.*).
    """
    data = read_plain_file(path, MAX_PUBLIC_BYTES, "public key")
    if b"PRIVATE" in data:
        raise KeyProblem(
            "this file holds a private key, which its owner gives to nobody",
            where=str(path),
            hint=f"its owner makes the public half: openssl pkey -in {path.name} -pubout",
            code="keys.private-given",
        )
    raw = _pem(data) if b"-----BEGIN" in data else _base64(data)
    if raw is None:
        raise KeyProblem(
            "this is not an Ed25519 public key in PEM or base64",
            where=str(path),
            hint="openssl genpkey -algorithm ed25519 -out mine.pem; openssl pkey -in mine.pem -pubout",
            code="keys.public-unreadable",
        )
    check_public_key(raw)
    return raw


def _pem(data: bytes) -> bytes | None:
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


def _base64(data: bytes) -> bytes | None:
    text = data.strip()
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if len(raw) == 32 and b64encode(raw) == text else None


def ending(kid: str | None, *, compromised_since: int | None, reason: str) -> Ending | None:
    """How an earlier key ends, from options; None when none is named. Raises UsageProblem for half of them."""
    if kid is None and (compromised_since is not None or reason):
        raise UsageProblem("--compromised-since and --reason are about the key that --replaces names")
    if compromised_since is not None and not reason:
        raise UsageProblem("--compromised-since needs a --reason", hint="say in a few words what happened")
    return None if kid is None else Ending(kid=kid, from_index=compromised_since, reason=reason)


def enrol(
    project: Config, public_key: bytes, *, role: str = PERSON, name: str = "", replaces: Ending | None = None,
    now: Moment, more_roots: Sequence[Signer] = (),
) -> Enrolled:  # fmt: skip
    """Let the root key enrol a person's key, or a further root key. `name` is sealed: the leaf holds a commitment to
    it. `replaces` ends an earlier key of the same person in the same transaction. `now` is read under the writer's
    lock.

    Raises EntryRefused (ledger.key-twice, …), KeyProblem (keys.root-offline, keys.not-in-use), UsageProblem when a root
    key is to be replaced, LedgerError, StorageError.
    """
    keys = keyset.load(project.keys_path)
    roots = root_signers(keys, more_roots)
    sealed = (seal("name", name),) if name else ()
    new = Successor(role=role, public_key=public_key, sealed=sealed)
    with continuity.open_writer(project, signers=signers(keys, roots)) as ledger:
        time = moments.read(now)
        if replaces is None:
            index, ended = _add(ledger, new, roots, time), None
            ledger.checkpoint(keys.log, now=time)
        else:
            _require_person(ledger, role, replaces.kid)
            by = Signers(adding=roots, ending=roots, old=keys.log, new=keys.log)
            done = succeed(ledger, new, replaces, by, now=time)
            index, ended = done.added, done.ended
        project_trust.refresh(project.trust_path, keys, ledger, now=time)
    return Enrolled(kid=key_id(public_key), index=index, ended=ended)


def _add(ledger: Ledger, new: Successor, roots: Sequence[Signer], now: str) -> int:
    leaf = key_add_leaf(
        origin=ledger.origin, role=new.role, public_key=new.public_key, root=roots[0], more_roots=roots[1:],
        sealed=new.sealed, now=now,
    )  # fmt: skip
    return ledger.append([Draft(leaf, new.sealed)], now=now)[0]


def _require_person(ledger: Ledger, role: str, kid: str) -> None:
    if role != PERSON:
        raise UsageProblem("only a person's key is replaced by enrolling another", hint="personactl keys rotate root")
    if kid not in ledger.in_use(PERSON):
        raise KeyProblem(
            f"{kid[:60]} is not the key of a person that the ledger has in use",
            hint="personactl ledger log --kind key-add",
            code="keys.not-in-use",
        )


def root_signers(keys: keyset.KeySet, more: Sequence[Signer]) -> tuple[Signer, ...]:
    """The root key of the folder, where it is there, and those elsewhere. Raises KeyProblem (keys.root-offline)."""
    return at_hand(keys, more) or (keys.root,)


def at_hand(keys: keyset.KeySet, more: Sequence[Signer]) -> tuple[Signer, ...]:
    """As `root_signers`, and none where there is none."""
    own = () if keys.root_signer is None else (keys.root_signer,)
    return tuple({signer.key_id: signer for signer in (*own, *more)}.values())


def signers(keys: keyset.KeySet, roots: Sequence[Signer]) -> tuple[tuple[str, str], ...]:
    """(role, key id) of who signs what root keys say, and the checkpoint after it."""
    return ((LEDGER, keys.log.key_id), *((ROOT, root.key_id) for root in roots))
