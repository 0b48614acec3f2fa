"""Checkpoints (C2SP tlog-checkpoint v1 and tlog-cosignature v1; SPEC 7.2): type, strict parser, writer, verification.

    <origin>
    <tree size, decimal>
    <base64 of the 32-byte root>

No extension lines: an ML-DSA-44 signature would not cover them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from personactl_ledger.ed25519 import verify_signature
from personactl_ledger.encoding import ORIGIN, from_base64, posix_seconds, to_base64
from personactl_ledger.errors import FormatError
from personactl_ledger.note import ED25519, ML_DSA_44, Note, NoteSignature, Vkey, parse_note, write_note
from personactl_ledger.signer import LogSigner

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_MAX_SIZE = 2**63 - 1
MLDSA_BYTES = 2420


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree head. `root` is 32 bytes, `note` the whole signed note as it was written, possibly with cosignatures."""

    origin: str
    size: int
    root: bytes
    note: str

    @property
    def body(self) -> str:
        return checkpoint_body(self.origin, self.size, self.root)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSignatures:
    """What verification found: types with a good signature, whether one was bad, types that this library lacks."""

    good: frozenset[int]
    bad: bool
    unsupported: frozenset[int]

    def satisfies(self, keys: Iterable[Vkey]) -> bool:
        """No bad signature, at least one good one, and a good one of every type in `keys` that can be checked here.

        The last rule keeps a stronger signature from being left out unnoticed (SPEC 7.4).
        """
        wanted = {key.type for key in keys} - self.unsupported
        return not self.bad and bool(self.good) and wanted <= self.good


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The verdict of SPEC 7.4. `by` are the ledger keys that signed whole, `wrong` whether a line of any is wrong."""

    by: tuple[tuple[Vkey, ...], ...]
    wrong: bool
    good: frozenset[int]
    unsupported: frozenset[int]

    @property
    def accepted(self) -> bool:
        return bool(self.by) and not self.wrong


def checkpoint_body(origin: str, size: int, root: bytes) -> str:
    """The three lines that are signed."""
    return f"{origin}\n{size}\n{to_base64(root)}\n"


def parse_checkpoint(data: bytes | str) -> Checkpoint:
    """Parse strictly. Raises FormatError (code ledger.checkpoint-malformed or ledger.note)."""
    note = parse_note(data)
    lines = note.text.split("\n")
    if len(lines) != 4:
        raise _malformed(f"it has {len(lines) - 1} lines of text, not three")
    origin, size, root_text, _ = lines
    if not ORIGIN.fullmatch(origin):
        raise _malformed("the first line is not the origin of a personactl ledger")
    if not _SIZE.fullmatch(size) or int(size) > _MAX_SIZE:
        raise _malformed("the second line is not a tree size")
    try:
        root = from_base64(root_text)
    except FormatError:
        root = b""
    if len(root) != 32:
        raise _malformed("the third line is not the base64 of 32 bytes")
    return Checkpoint(origin=origin, size=int(size), root=root, note=str(note))


def sign_checkpoint(origin: str, size: int, root: bytes, *logs: LogSigner, now: str) -> Checkpoint:
    """Sign a tree head with every half of each ledger key (tlog-cosignature, "ML-DSA-44 signed message"). Two ledger
    keys sign one when one takes over from the other, the elder first (SPEC 7.2).

    The caller has made sure that the tree extends every tree signed before.
    """
    body = checkpoint_body(origin, size, root)
    lines = []
    for signer, key in [(log, key) for log in logs for key in log.verifier_keys(origin)]:
        if key.type == ED25519:
            signature = signer.sign_ed25519(body.encode())
        else:
            seconds = posix_seconds(now).to_bytes(8, "big")
            signature = seconds + signer.sign_mldsa(cosigned_message(key.name, seconds, origin, size, root))
        lines.append(NoteSignature(key.name, key.key_hash, signature))
    return Checkpoint(origin=origin, size=size, root=root, note=write_note(body, lines))


def verify_checkpoint(checkpoint: Checkpoint, keys: Iterable[Vkey]) -> CheckpointSignatures:
    """Check every signature line that belongs to one of `keys`; others are ignored, as signed-note asks."""
    return _verify(parse_note(checkpoint.note), checkpoint, keys)


def _verify(note: Note, checkpoint: Checkpoint, keys: Iterable[Vkey]) -> CheckpointSignatures:
    good: set[int] = set()
    unsupported: set[int] = set()
    bad = False
    for key in keys:
        for line in note.by(key):
            verdict = _verify_line(note, checkpoint, key, line)
            if verdict is None:
                unsupported.add(key.type)
            elif verdict:
                good.add(key.type)
            else:
                bad = True
        if key.type == ML_DSA_44 and not mldsa_available():
            unsupported.add(key.type)
    return CheckpointSignatures(good=frozenset(good), bad=bad, unsupported=frozenset(unsupported))


def accept_checkpoint(checkpoint: Checkpoint, ledger_keys: Iterable[tuple[Vkey, ...]]) -> Acceptance:
    """Judge a checkpoint by ledger keys, each a group of verifier keys: one must be satisfied whole (SPEC 7.4)."""
    note = parse_note(checkpoint.note)
    # A key without a line decides nothing, and a ledger may have as many keys as checkpoints.
    shown = {(line.name, line.key_hash) for line in note.signatures}
    found = [
        (keys, _verify(note, checkpoint, keys))
        for keys in ledger_keys
        if any((key.name, key.key_hash) in shown for key in keys)
    ]
    whole = [(keys, result) for keys, result in found if result.satisfies(keys)]
    return Acceptance(
        by=tuple(keys for keys, _ in whole),
        wrong=any(result.bad for _, result in found),
        good=frozenset(type_ for _, result in whole for type_ in result.good),
        unsupported=frozenset(type_ for _, result in whole for type_ in result.unsupported),
    )


@cache
def mldsa_available() -> bool:
    """Whether the installed `cryptography` verifies ML-DSA-44 (FIPS 204)."""
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa

        mldsa.MLDSA44PublicKey.from_public_bytes(bytes(1312))
    except (ImportError, UnsupportedAlgorithm):
        return False
    except ValueError:
        pass
    return True


def log_signed_part(checkpoint: Checkpoint, ledger_key: Iterable[Vkey]) -> bytes:
    """The note with only the signature lines of one ledger key, in the order of its halves: the bytes that a time-stamp
    token covers (SPEC 8.3)."""
    note = parse_note(checkpoint.note)
    return write_note(note.text, [line for key in ledger_key for line in note.by(key)]).encode()


def _verify_line(note: Note, checkpoint: Checkpoint, key: Vkey, line: NoteSignature) -> bool | None:
    if key.type == ED25519:
        return verify_signature(key.public_key, line.signature, note.text.encode())
    if len(line.signature) != 8 + MLDSA_BYTES:
        return False
    seconds, signature = line.signature[:8], line.signature[8:]
    message = cosigned_message(key.name, seconds, checkpoint.origin, checkpoint.size, checkpoint.root)
    return verify_mldsa(key.public_key, signature, message)


def verify_mldsa(public_key: bytes, signature: bytes, message: bytes) -> bool | None:
    """Whether the 2,420 bytes are by the key (FIPS 204, empty context); None where the library cannot tell."""
    if not mldsa_available():
        return None
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    try:
        MLDSA44PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def cosigned_message(name: str, seconds: bytes, origin: str, size: int, root: bytes) -> bytes:
    """The `cosigned_message` structure for a whole tree: start is zero, end is the size (SPEC 7.2, 14.3).

    `name` is that of the signing key, `seconds` the 8 bytes of its time.
    """
    encoded_name, encoded_origin = name.encode(), origin.encode()
    return b"".join(
        (
            b"subtree/v1\n\x00",
            bytes([len(encoded_name)]),
            encoded_name,
            seconds,
            bytes([len(encoded_origin)]),
            encoded_origin,
            bytes(8),
            size.to_bytes(8, "big"),
            root,
        )
    )


def _malformed(reason: str) -> FormatError:
    return FormatError(f"this is not a checkpoint: {reason}", code="ledger.checkpoint-malformed")
