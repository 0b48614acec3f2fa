"""Signed notes and verifier keys (C2SP signed-note v1; SPEC 7.1): type, strict parser, writer.

text, ending in a newline
<empty line>
— <key name> <base64(4-byte key hash || signature)>
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from personactl_ledger.ed25519 import check_public_key
from personactl_ledger.encoding import from_base64, to_base64
from personactl_ledger.errors import EntryRefused, FormatError

ED25519 = 0x01
COSIGNATURE_ED25519 = 0x04
"""Ed25519 over a checkpoint with the time of a witness (SPEC 14.3); ML-DSA-44 has one type for logs and witnesses."""
ML_DSA_44 = 0x06
_KEY_BYTES = {ED25519: 32, COSIGNATURE_ED25519: 32, ML_DSA_44: 1312}
_MAX_NAME_BYTES = 255
MAX_NOTE_BYTES = 256 * 1024
MAX_SIGNATURES = 64
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NAME = re.compile(r"[^\s+]{1,255}")
_LINE = re.compile(r"— ([^\s+]{1,255}) ([A-Za-z0-9+/=]+)")
_VKEY = re.compile(r"([^\s+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class Vkey:
    """A verifier key. `type` is the signature type byte, `key_hash` the 4 bytes that signature lines begin with."""

    name: str
    type: int
    public_key: bytes
    key_hash: bytes

    @classmethod
    def of(cls, name: str, type: int, public_key: bytes) -> Vkey:
        """Build and check one. Raises FormatError for an unknown type, a wrong length or a weak key."""
        if _KEY_BYTES.get(type) != len(public_key):
            raise FormatError(
                f"a verifier key of type {type:#04x} cannot have {len(public_key)} bytes", code="ledger.vkey"
            )
        encoded = name.encode("utf-8", "surrogatepass")
        if not _NAME.fullmatch(name) or len(encoded) > _MAX_NAME_BYTES or _SURROGATE.search(name):
            raise FormatError("a key name holds a space or a plus sign, or is empty or too long", code="ledger.vkey")
        if type != ML_DSA_44:
            try:
                check_public_key(public_key)
            except EntryRefused as error:
                raise FormatError(error.message, code="ledger.vkey") from None
        digest = hashlib.sha256(encoded + b"\n" + bytes([type]) + public_key).digest()
        return cls(name, type, public_key, digest[:4])

    @classmethod
    def parse(cls, text: object) -> Vkey:
        """`<name>+<8 hex>+<base64(type || key)>` (signed-note, "Verifier keys"). Raises FormatError."""
        match = _VKEY.fullmatch(text) if isinstance(text, str) else None
        material = from_base64(match[3]) if match else b""
        if match is None or not material:
            raise FormatError("this is not a C2SP verifier key", code="ledger.vkey")
        key = cls.of(match[1], material[0], material[1:])
        if key.key_hash.hex() != match[2]:
            raise FormatError("the hash inside a verifier key does not belong to it", code="ledger.vkey")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{to_base64(bytes([self.type]) + self.public_key)}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: key name, the 4-byte key hash, and what follows it."""

    name: str
    key_hash: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"— {self.name} {to_base64(self.key_hash + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """`text` includes its final newline; signatures stand in the order of the file."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return write_note(self.text, self.signatures)

    def by(self, key: Vkey) -> tuple[NoteSignature, ...]:
        """The lines that name and hash assign to `key`."""
        return tuple(s for s in self.signatures if s.name == key.name and s.key_hash == key.key_hash)


def group_vkeys(lines: Sequence[object], origin: str) -> tuple[tuple[Vkey, ...], ...]:
    """Ledger keys from a flat list of verifier keys (SPEC 7.4): an Ed25519 key and an ML-DSA-44 key right after it.

    Raises FormatError (code ledger.vkey) for a name that is not `origin` and for an ML-DSA-44 key that stands alone.
    """
    groups: list[tuple[Vkey, ...]] = []
    for line in lines:
        key = Vkey.parse(line)
        if key.name != origin:
            raise FormatError("a verifier key is of another origin", code="ledger.vkey")
        if key.type == ED25519:
            groups.append((key,))
        elif key.type == COSIGNATURE_ED25519:
            raise FormatError("this is the verifier key of a witness, not of a log", code="ledger.vkey")
        elif groups and len(groups[-1]) == 1:
            groups[-1] = (*groups[-1], key)
        else:
            raise FormatError("an ML-DSA-44 verifier key does not follow its Ed25519 key", code="ledger.vkey")
    return tuple(groups)


def write_note(text: str, signatures: Sequence[NoteSignature]) -> str:
    """The note as one string."""
    return text + "\n" + "".join(str(signature) for signature in signatures)


def parse_note(data: bytes | str) -> Note:
    """Parse strictly (signed-note, "Format"). Raises FormatError (code ledger.note)."""
    encoded = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(encoded) > MAX_NOTE_BYTES:
        raise _malformed(f"it is longer than {MAX_NOTE_BYTES} bytes")
    text = data if isinstance(data, str) else decode_note(data)
    if _CONTROL.search(text):
        raise _malformed("it holds a control character")
    body, separator, tail = text.rpartition("\n\n")
    if not separator or not body or not tail.endswith("\n"):
        raise _malformed("text and signatures are not separated by an empty line, or the last line is not ended")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise _malformed(f"it has more than {MAX_SIGNATURES} signatures")
    return Note(body + "\n", tuple(_signature(line) for line in lines))


def _signature(line: str) -> NoteSignature:
    match = _LINE.fullmatch(line)
    if match is None:
        raise _malformed("a signature line does not have the form “— name base64”")
    try:
        blob = from_base64(match[2])
    except FormatError:
        raise _malformed("a signature is not base64") from None
    if len(blob) < 5:
        raise _malformed("a signature is shorter than its key hash")
    return NoteSignature(match[1], blob[:4], blob[4:])


def decode_note(data: bytes) -> str:
    """The text of a note, or of a proof with one inside. Raises FormatError (code ledger.note)."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None


def _malformed(reason: str) -> FormatError:
    return FormatError(f"this is not a signed note: {reason}", code="ledger.note")
