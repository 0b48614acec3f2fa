"""Which keys a ledger knows, for what, and until when (SPEC 6.4, 6.6). State only; the rules stand in rules.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from personactl_ledger.ed25519 import check_public_key, key_id
from personactl_ledger.encoding import from_base64
from personactl_ledger.entry import Entry
from personactl_ledger.errors import EntryRefused, FormatError
from personactl_ledger.note import ED25519, ML_DSA_44, Vkey
from personactl_ledger.predicates import LEDGER, ROOT


@dataclass(slots=True, kw_only=True)
class EnrolledKey:
    """A key that genesis or a key-add entry enrolled. `added` and `retired` are entry indexes, `certified_by` the key
    ids that signed the key-add; none for a key of the genesis, which its origin vouches for (SPEC 9.1)."""

    key_id: str
    public_key: bytes
    role: str
    added: int
    certified_by: tuple[str, ...] = ()
    vkeys: tuple[Vkey, ...] = ()
    retired: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Entry `at`, signed by the key ids `signers`, said that nothing signed by the key from entry `from_index` on is to
    be believed. Whether that counts is for revocation.py."""

    at: int
    from_index: int
    signers: tuple[str, ...]


@dataclass(slots=True)
class Keyring:
    """All enrolled keys by key id, and all revocations (of run keys too)."""

    keys: dict[str, EnrolledKey] = field(default_factory=dict)
    revocations: dict[str, Revocation] = field(default_factory=dict)
    roots: set[str] = field(default_factory=set)
    """Ids of the root keys in use: asked at the end of every key, and there can be many of both."""

    def usable(self, key: str, role: str, index: int) -> EnrolledKey:
        """The key, if entry `index` may be signed by it in that role. Raises EntryRefused (SPEC 6.4)."""
        enrolled = self.keys.get(key)
        if enrolled is None:
            raise EntryRefused(f"the signer {key} is not enrolled in this ledger", code="ledger.signer-unknown")
        if enrolled.role != role:
            raise EntryRefused(
                f"the signer {key} is enrolled as {enrolled.role}, and this kind is signed by {role}",
                code="ledger.signer-role",
            )
        if enrolled.retired is not None and enrolled.retired < index:
            raise EntryRefused(
                f"the signer {key} was retired by entry {enrolled.retired}", code="ledger.signer-retired"
            )
        self.require_unrevoked(key, index)
        return enrolled

    def require_unrevoked(self, key: str, index: int) -> None:
        """Raises EntryRefused when an entry below `index` revoked the key (SPEC 6.4)."""
        revocation = self.revocations.get(key)
        if revocation is not None and revocation.at < index:
            raise EntryRefused(f"the signer {key} was revoked by entry {revocation.at}", code="ledger.signer-revoked")

    def active(self, role: str) -> tuple[EnrolledKey, ...]:
        """Keys of a role that were neither retired nor revoked so far, oldest first."""
        return tuple(
            key
            for key in self.keys.values()
            if key.role == role and key.retired is None and key.key_id not in self.revocations
        )

    def not_witnesses(self) -> list[bytes]:
        """Raw public keys that no witness may have: all that were ever enrolled for root or ledger (SPEC 14.2)."""
        own = [key for key in self.keys.values() if key.role in (ROOT, LEDGER)]
        return [raw for key in own for raw in (key.public_key, *(half.public_key for half in key.vkeys))]

    def log_keys(self, size: int) -> tuple[EnrolledKey, ...]:
        """Ledger keys that may sign a checkpoint over the first `size` entries (SPEC 7.3)."""
        keys = []
        for key in self.keys.values():
            revocation = self.revocations.get(key.key_id)
            if (
                key.role == LEDGER
                and key.added < size
                and (key.retired is None or size <= key.retired)
                and (revocation is None or size <= revocation.at)
            ):
                keys.append(key)
        return tuple(keys)

    def record(self, index: int, entry: Entry) -> None:
        """Take over what an admitted entry says about keys."""
        predicate = entry.predicate
        if entry.kind == "genesis":
            for item in predicate["rootKeys"]:
                self._add(read_key(item["kid"], item["publicKey"]), ROOT, index, (), ())
        elif entry.kind == "key-add":
            public_key = read_key(predicate["kid"], predicate["publicKey"])
            vkeys = read_vkeys(predicate, predicate["origin"], public_key) if predicate["role"] == LEDGER else ()
            self._add(public_key, predicate["role"], index, vkeys, entry.key_ids)
        elif entry.kind == "key-retire":
            if predicate["kid"] in self.keys:  # the rules ask for it; whoever made the file need not have kept them
                self.keys[predicate["kid"]].retired = index
            self.roots.discard(predicate["kid"])
        elif entry.kind == "key-revoke":
            self.revocations[predicate["kid"]] = Revocation(
                at=index, from_index=predicate["fromIndex"], signers=entry.key_ids
            )
            self.roots.discard(predicate["kid"])

    def _add(self, public_key: bytes, role: str, index: int, vkeys: tuple[Vkey, ...], signers: tuple[str, ...]) -> None:
        key = key_id(public_key)
        if role == ROOT:
            self.roots.add(key)
        self.keys[key] = EnrolledKey(
            key_id=key, public_key=public_key, role=role, added=index, certified_by=signers, vkeys=vkeys
        )


def read_key(kid: str, public_key: str) -> bytes:
    """The raw key of a {kid, publicKey} pair. Raises FormatError or EntryRefused (SPEC 5.1)."""
    raw = from_base64(public_key)
    check_public_key(raw)
    if key_id(raw) != kid:
        raise FormatError(f"the key id {kid} does not belong to the public key beside it", code="ledger.key-id")
    return raw


def read_vkeys(predicate: dict[str, Any], origin: str, public_key: bytes) -> tuple[Vkey, ...]:
    """A ledger key's verifier keys: Ed25519 first, equal to `public_key`; then at most one ML-DSA-44 (SPEC 6.6)."""
    lines = predicate.get("vkeys")
    if not isinstance(lines, list):
        raise FormatError("a key-add entry for a ledger key needs vkeys", code="ledger.vkey")
    keys = tuple(Vkey.parse(line) for line in lines)
    if tuple(key.type for key in keys) not in ((ED25519,), (ED25519, ML_DSA_44)):
        raise FormatError("a ledger key has an Ed25519 verifier key and at most one ML-DSA-44 one", code="ledger.vkey")
    if keys[0].public_key != public_key or any(key.name != origin for key in keys):
        raise FormatError("a verifier key does not belong to the ledger key or the origin", code="ledger.vkey")
    return keys
