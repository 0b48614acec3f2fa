"""Cosignatures of witnesses (C2SP tlog-cosignature v1; SPEC 14.2 to 14.4): keys, signing, verification, counting.

A cosignature is a note signature over a checkpoint that begins with a time of 8 bytes. The time is the claim of the
witness; nothing here compares it with a clock.

    Ed25519, type 0x04       over "cosignature/v1\\n" "time <seconds>\\n" and the text of the checkpoint
    ML-DSA-44, type 0x06     over the structure of SPEC 7.2, with the name of the witness as the name of the signer
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from personactl_ledger.checkpoint import MLDSA_BYTES, Checkpoint, cosigned_message, mldsa_available, verify_mldsa
from personactl_ledger.ed25519 import verify_signature
from personactl_ledger.errors import FormatError
from personactl_ledger.note import COSIGNATURE_ED25519, ED25519, ML_DSA_44, NoteSignature, Vkey, parse_note

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

NOT_COMPUTED = "ML-DSA-44 cosignatures were not checked: the installed cryptography library lacks it"
"""What a report says then (SPEC 14.4)."""
MAX_SECONDS = 2**63 - 1
_SIGNATURE_BYTES = {COSIGNATURE_ED25519: 64, ML_DSA_44: MLDSA_BYTES}
WitnessKeys = tuple[Vkey, ...]
"""One verifier key, or an Ed25519 one and then an ML-DSA-44 one of the same name (SPEC 14.2)."""
Witness = tuple[WitnessKeys, ...]
"""All keys of one witness: more than one item only when they share a name or a public key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """One witness whose cosignature holds. `seconds` is its newest time, POSIX; `types` are the key types verified."""

    name: str
    seconds: int
    types: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessCount:
    """The verdict of SPEC 14.4. `by` holds each witness once, `wrong` the names of keys with a line that does not hold,
    `unsupported` whether an ML-DSA-44 key could not be computed here."""

    by: tuple[Cosigned, ...]
    wrong: tuple[str, ...]
    unsupported: bool


class WitnessSigner:
    """The private keys of a witness (SPEC 14.3). `name` stands in its lines; a URL without a scheme is usual."""

    __slots__ = ("_ed25519", "_mldsa", "name", "verifier_keys")

    def __init__(self, name: str, ed25519: Ed25519PrivateKey, mldsa: MLDSA44PrivateKey | None = None):
        """Raises FormatError (code ledger.vkey) for a name that no signature line can carry."""
        self.name = name
        self._ed25519 = ed25519
        self._mldsa = mldsa
        keys = [Vkey.of(name, COSIGNATURE_ED25519, ed25519.public_key().public_bytes_raw())]
        if mldsa is not None:
            keys.append(Vkey.of(name, ML_DSA_44, mldsa.public_key().public_bytes_raw()))
        self.verifier_keys: WitnessKeys = tuple(keys)

    def cosign(self, checkpoint: Checkpoint, seconds: int) -> tuple[NoteSignature, ...]:
        """One line by each key. The caller has applied the rules of a witness (witness.py).

        `seconds` is POSIX time, 1 to 2**63 - 1: zero would say that this need not be the largest tree seen.
        """
        if not 0 < seconds <= MAX_SECONDS:
            raise ValueError(f"{seconds} is no time of a cosignature")
        lines = []
        for key in self.verifier_keys:
            message = _message(key, seconds, checkpoint)
            if key.type == COSIGNATURE_ED25519:
                signature = self._ed25519.sign(message)
            elif self._mldsa is not None:
                signature = self._mldsa.sign(message)
            lines.append(NoteSignature(key.name, key.key_hash, seconds.to_bytes(8, "big") + signature))
        return tuple(lines)


def group_witnesses(
    lines: Sequence[object], *, log_keys: Iterable[bytes] = (), origin: str = ""
) -> tuple[Witness, ...]:
    """Witnesses from a flat list of verifier keys (SPEC 14.2).

    `log_keys` are raw keys that no witness may have, `origin` is a name that none may have. Raises FormatError (code
    ledger.vkey).
    """
    forbidden = frozenset(log_keys)
    groups: list[WitnessKeys] = []
    for line in lines:
        key = Vkey.parse(line)
        if key.type == ED25519:
            raise FormatError("this is the verifier key of a log, not of a witness", code="ledger.vkey")
        if key.public_key in forbidden or key.name == origin:
            raise FormatError("a key of the ledger itself cannot be its witness", code="ledger.vkey")
        first = groups[-1][0] if groups and len(groups[-1]) == 1 else None
        follows = first is not None and (first.type, first.name) == (COSIGNATURE_ED25519, key.name)
        if key.type == ML_DSA_44 and follows:
            groups[-1] = (*groups[-1], key)
        else:
            groups.append((key,))
    return _one_by_one(groups)


def count_witnesses(checkpoint: Checkpoint, witnesses: Iterable[Witness]) -> WitnessCount:
    """Which of the witnesses cosigned the checkpoint (SPEC 14.4). Lines of other keys are ignored."""
    lines = parse_note(checkpoint.note).signatures
    by: list[Cosigned] = []
    wrong: list[str] = []
    unsupported = False
    for witness in witnesses:
        found = [_judge(checkpoint, keys, lines) for keys in witness]
        wrong += [name for result in found for name in result.wrong]
        unsupported = unsupported or any(result.unsupported for result in found)
        whole = [item for result in found for item in result.by]
        if whole:
            by.append(max(whole, key=lambda item: item.seconds))
    return WitnessCount(by=tuple(by), wrong=tuple(wrong), unsupported=unsupported)


def verify_cosignature(checkpoint: Checkpoint, key: Vkey, line: NoteSignature) -> bool | None:
    """Whether a line that names `key` holds over the checkpoint (SPEC 14.3); None where the library cannot tell."""
    if len(line.signature) != 8 + _SIGNATURE_BYTES[key.type] or not 0 < cosigned_at(line) <= MAX_SECONDS:
        return False
    message, signature = _message(key, cosigned_at(line), checkpoint), line.signature[8:]
    if key.type == COSIGNATURE_ED25519:
        return verify_signature(key.public_key, signature, message)
    return verify_mldsa(key.public_key, signature, message)


def cosigned_at(line: NoteSignature) -> int:
    """The time that a cosignature claims, POSIX seconds."""
    return int.from_bytes(line.signature[:8], "big")


def _judge(checkpoint: Checkpoint, keys: WitnessKeys, lines: Iterable[NoteSignature]) -> WitnessCount:
    """One item of a witness: it must have cosigned with each of its types that can be computed here, at least one."""
    times: list[int] = []
    good: set[int] = set()
    wrong: list[str] = []
    for line in lines:
        for key in keys:
            if (line.name, line.key_hash) == (key.name, key.key_hash):
                verdict = verify_cosignature(checkpoint, key, line)
                if verdict:
                    good.add(key.type)
                    times.append(cosigned_at(line))
                elif verdict is False:
                    wrong.append(key.name)
    wanted = {key.type for key in keys}
    lacking = wanted & {ML_DSA_44} if not mldsa_available() else set()
    whole = good and wanted - lacking <= good
    by = (Cosigned(name=keys[0].name, seconds=max(times), types=frozenset(good)),) if whole else ()
    return WitnessCount(by=by, wrong=tuple(wrong), unsupported=bool(lacking))


def _one_by_one(groups: list[WitnessKeys]) -> tuple[Witness, ...]:
    """Items that share a name or a public key, directly or through others, make one witness."""
    witnesses: list[Witness] = []
    for keys in groups:
        own = _marks(keys)
        same = [w for w in witnesses if any(own & _marks(item) for item in w)]
        joined: Witness = tuple(item for w in same for item in w)
        witnesses = [w for w in witnesses if w not in same] + [(*joined, keys)]
    return tuple(witnesses)


def _marks(keys: WitnessKeys) -> set[str | bytes]:
    """What makes items those of one witness."""
    return {mark for key in keys for mark in (key.name, key.public_key)}


def _message(key: Vkey, seconds: int, checkpoint: Checkpoint) -> bytes:
    if key.type == COSIGNATURE_ED25519:
        return f"cosignature/v1\ntime {seconds}\n{checkpoint.body}".encode()
    time = seconds.to_bytes(8, "big")
    return cosigned_message(key.name, time, checkpoint.origin, checkpoint.size, checkpoint.root)
