"""DSSE envelopes (DSSE v1.0.0; SPEC 3): type, strict parser, writer.

    {"payload":"<base64>","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"…","sig":"…"}]}

A leaf is exactly these bytes, in canonical JSON. They are stored, hashed and handed out as they are.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from personactl_ledger.encoding import from_base64, to_base64
from personactl_ledger.errors import FormatError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_LEAF_BYTES = 65_535
"""What the entry bundles of C2SP tlog-tiles can hold."""
MAX_SIGNATURES = 16
_KEY_ID = r"SHA256:[A-Za-z0-9+/]{43}="
_SIGNATURE = rf'{{"keyid":"({_KEY_ID})","sig":"([A-Za-z0-9+/]{{86}}==)"}}'
_ENVELOPE = re.compile(
    rf'{{"payload":"([A-Za-z0-9+/=]+)","payloadType":"{re.escape(PAYLOAD_TYPE)}",'
    rf'"signatures":\[({_SIGNATURE}(?:,{_SIGNATURE})*)\]}}'
)
_SIGNATURES = re.compile(_SIGNATURE)
_BEFORE = b'{"payload":"'
_BETWEEN = f'","payloadType":"{PAYLOAD_TYPE}","signatures":['.encode()
_AFTER = re.compile(rf"{_SIGNATURE}(?:,{_SIGNATURE})*\]}}".encode())


@dataclass(frozen=True, slots=True)
class EnvelopeSignature:
    """`key_id` names the public key (`SHA256:<base64>`), `signature` is 64 bytes over `pae(payload)`."""

    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """The payload's exact bytes and who signed them, no key twice."""

    payload: bytes
    signatures: tuple[EnvelopeSignature, ...]


def pae(payload: bytes) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def write_envelope(payload: bytes, signatures: Sequence[EnvelopeSignature], *, most: int = MAX_LEAF_BYTES) -> bytes:
    """The leaf. Raises FormatError when it would be longer than 65,535 bytes or have no, or too many, signatures.

    `most`: the limit in bytes for an envelope that is no leaf.
    """
    items = ",".join(f'{{"keyid":"{s.key_id}","sig":"{to_base64(s.signature)}"}}' for s in signatures)
    leaf = f'{{"payload":"{to_base64(payload)}","payloadType":"{PAYLOAD_TYPE}","signatures":[{items}]}}'.encode()
    _require_size(leaf, most)
    _require_signers([s.key_id for s in signatures])
    if not payload or not signatures or any(len(s.signature) != 64 for s in signatures):
        raise _malformed("it needs a payload, and signatures of 64 bytes")
    return leaf


def parse_envelope(leaf: bytes, likely: bytes = b"", *, most: int = MAX_LEAF_BYTES) -> Envelope:
    """Parse the one accepted spelling. Raises FormatError (code ledger.leaf-size or ledger.envelope).

    The canonical form of this fixed shape is a regular language, so a pattern is a complete and strict parser. `likely`
    may be what the payload probably is, from any source: encoding it and comparing costs less than decoding the leaf.
    `most` as for `write_envelope`.
    """
    _require_size(leaf, most)
    if likely:
        head = b"".join((_BEFORE, binascii.b2a_base64(likely, newline=False), _BETWEEN))
        if leaf.startswith(head) and _AFTER.fullmatch(leaf, len(head)):
            return _envelope(likely, _SIGNATURES.findall(leaf[len(head) :].decode("ascii")))
    try:
        match = _ENVELOPE.fullmatch(leaf.decode("ascii"))
    except UnicodeDecodeError:
        match = None
    if match is None:
        raise _malformed("its bytes do not have the one form that SPEC 3.1 allows")
    try:
        return _envelope(from_base64(match[1]), _SIGNATURES.findall(match[2]))
    except FormatError as error:
        raise error if error.code == "ledger.envelope" else _malformed("its payload is not base64") from None


def _envelope(payload: bytes, pairs: list[tuple[str, str]]) -> Envelope:
    _require_signers([key for key, _ in pairs])
    try:
        return Envelope(payload, tuple(EnvelopeSignature(key, from_base64(sig)) for key, sig in pairs))
    except FormatError:
        raise _malformed("a signature is not base64") from None


def _require_size(leaf: bytes, most: int) -> None:
    if len(leaf) > most:
        raise FormatError(f"an entry has {len(leaf)} bytes; {most} are allowed", code="ledger.leaf-size")


def _require_signers(key_ids: list[str]) -> None:
    if len(key_ids) > MAX_SIGNATURES:
        raise _malformed(f"it has more than {MAX_SIGNATURES} signatures")
    if len(set(key_ids)) != len(key_ids):
        raise _malformed("a key signed twice")


def _malformed(reason: str) -> FormatError:
    return FormatError(f"this is not a DSSE envelope of ours: {reason}", code="ledger.envelope")
