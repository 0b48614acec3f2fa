"""RFC 3161 responses (SPEC 15.1): type and strict parser. Signatures and trust stand in tsp_signature.py, tsp_trust.py.

TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }
ContentInfo   ::= signed-data of RFC 5652 over a TSTInfo, with exactly one SignerInfo
TSTInfo       ::= SEQUENCE { version 1, policy, messageImprint, serialNumber, genTime, accuracy, nonce, tsa, … }
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from personactl_ledger.der import (
    BOOLEAN,
    INTEGER,
    NULL,
    OCTETS,
    OID,
    SEQUENCE,
    SET,
    TIME,
    UTF8,
    Cursor,
    Value,
    malformed,
    read,
)
from personactl_ledger.errors import FormatError

MAX_RESPONSE_BYTES = 64 * 1024
HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.8": "sha3-256",
    "2.16.840.1.101.3.4.2.9": "sha3-384",
    "2.16.840.1.101.3.4.2.10": "sha3-512",
}
"""Digest algorithms by object identifier: those of SPEC 8.3."""
GRANTED = (0, 1)
_STATUS = ("granted", "granted with changes", "rejection", "waiting", "revocation warning", "revocation notice")
_FAILURES = {
    0: "badAlg", 2: "badRequest", 5: "badDataFormat", 14: "timeNotAvailable", 15: "unacceptedPolicy",
    16: "unacceptedExtension", 17: "addInfoNotAvailable", 25: "systemFailure",
}  # fmt: skip
_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
_TIME = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z")
_IMPLICIT_0, _IMPLICIT_1 = 0xA0, 0xA1


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """Who signed a token and how (RFC 5652 section 5.3). The signer is named by `issuer` and `serial`, or by `key_id`.

    `signed` are the exact bytes that the signature is over, `essential` (digest name, digest) of the signer's
    certificate, from the signing-certificate attribute.
    """

    issuer: bytes
    serial: int
    key_id: bytes | None
    digest_algorithm: str
    signature_algorithm: str
    signed: bytes = field(repr=False)
    message_digest: bytes = field(repr=False)
    essential: tuple[str, bytes] = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """What a granted response says. `gen_time` is in UTC, `accuracy` ± around it, `content` the DER of the TSTInfo,
    `certificates` DER values that travel in the token; nothing here is verified yet."""

    policy: str
    hash_algorithm: str
    digest: bytes
    serial: int
    gen_time: datetime
    accuracy: timedelta | None
    nonce: int | None
    content: bytes = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    signer: SignerInfo = field(repr=False)

    @property
    def gen_time_text(self) -> str:
        """RFC 3339 with `Z`, without trailing zeroes."""
        text = self.gen_time.strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f".{self.gen_time.microsecond:06d}".rstrip("0")
        return f"{text}{fraction if fraction != '.' else ''}Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer of a service: `token` is None when it was not granted, and `told` says why, in the service's words."""

    status: int
    told: str
    token: TokenInfo | None


def parse_response(data: bytes) -> Response:
    """Parse strictly. Raises FormatError (code ledger.token-malformed) for anything that is not a response."""
    if len(data) > MAX_RESPONSE_BYTES:
        raise unfit(f"it is longer than {MAX_RESPONSE_BYTES} bytes")
    whole = Cursor(read(data))
    status, told = _status(whole.take(SEQUENCE))
    content = whole.maybe(SEQUENCE)
    whole.end()
    if status not in GRANTED:
        return Response(status=status, told=told, token=None)
    if content is None:
        raise unfit("it says granted and holds no token")
    return Response(status=status, told=told, token=_token(content))


def parse_token(data: bytes) -> TokenInfo:
    """The token of a granted response. Raises FormatError, also for a response that was not granted."""
    response = parse_response(data)
    if response.token is None:
        raise unfit(f"the service did not grant it: {response.told}")
    return response.token


def request_nonce(data: bytes) -> int | None:
    """The nonce of a TimeStampReq. Raises FormatError."""
    if len(data) > MAX_RESPONSE_BYTES:
        raise unfit("the request is too long")
    fields = Cursor(read(data))
    if fields.take().integer() != 1:
        raise unfit("the request is not of version 1")
    fields.take(SEQUENCE)
    fields.maybe(OID)
    nonce = fields.maybe(INTEGER)
    return None if nonce is None else nonce.integer()


def unfit(reason: str) -> FormatError:
    return FormatError(f"this is not a time-stamp response that can be used: {reason}", code="ledger.token-malformed")


def _status(value: Value) -> tuple[int, str]:
    fields = Cursor(value)
    status = fields.take().integer()
    if not 0 <= status < len(_STATUS):
        raise unfit("its status is unknown")
    words = [_STATUS[status]]
    text = fields.maybe(SEQUENCE)
    for item in text.items() if text is not None else ():
        words.append(_printable(item.expect(UTF8).content))
    failure = fields.maybe(0x03)
    if failure is not None:
        words += _failures(failure.content)
    fields.end()
    return status, ": ".join(word for word in words if word)


def _failures(bits: bytes) -> list[str]:
    flags = [byte >> 7 - offset & 1 for byte in bits[1:5] for offset in range(8)]
    return [_FAILURES.get(place, f"failure {place}") for place, flag in enumerate(flags) if flag]


def _printable(data: bytes) -> str:
    text = data[:300].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _token(value: Value) -> TokenInfo:
    outer = Cursor(value)
    if outer.take().oid() != _SIGNED_DATA:
        raise unfit("its token is not signed data")
    signed = Cursor(_only(outer.take(_IMPLICIT_0)))
    outer.end()
    signed.take().integer()
    signed.take(SET)
    encapsulated = Cursor(signed.take())
    if encapsulated.take().oid() != _TST_INFO:
        raise unfit("its token is about something else than a time")
    content = _only(encapsulated.take(_IMPLICIT_0)).expect(OCTETS).content
    encapsulated.end()
    certificates = signed.maybe(_IMPLICIT_0)
    signed.maybe(_IMPLICIT_1)
    signers = signed.take(SET).items()
    signed.end()
    if len(signers) != 1:
        raise unfit(f"it has {len(signers)} signers, not one")
    held = tuple(item.encoded for item in certificates.items()) if certificates is not None else ()
    return _info(content, held, _signer(signers[0]))


def _info(content: bytes, certificates: tuple[bytes, ...], signer: SignerInfo) -> TokenInfo:
    fields = Cursor(read(content))
    if fields.take().integer() != 1:
        raise unfit("its version is not 1")
    policy = fields.take().oid()
    imprint = Cursor(fields.take())
    algorithm = _digest_algorithm(imprint.take())
    digest = imprint.take(OCTETS).content
    imprint.end()
    serial = fields.take().integer()
    gen_time = _time(fields.take(TIME).content)
    accuracy = fields.maybe(SEQUENCE)
    fields.maybe(BOOLEAN)
    nonce = fields.maybe(INTEGER)
    fields.maybe(_IMPLICIT_0)
    fields.maybe(_IMPLICIT_1)
    fields.end()
    return TokenInfo(
        policy=policy,
        hash_algorithm=algorithm,
        digest=digest,
        serial=serial,
        gen_time=gen_time,
        accuracy=None if accuracy is None else _accuracy(accuracy),
        nonce=None if nonce is None else nonce.integer(),
        content=content,
        certificates=certificates,
        signer=signer,
    )


def _time(data: bytes) -> datetime:
    """GeneralizedTime in UTC (RFC 3161 section 2.4.2); more than six decimals are cut off."""
    found = _TIME.fullmatch(data)
    try:
        if found is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
        micro = int((found[7] or b"")[:6].ljust(6, b"0"))
        return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    except ValueError:
        raise unfit("its time is not a time in UTC") from None


def _accuracy(value: Value) -> timedelta:
    fields = Cursor(value)
    seconds, millis, micros = fields.maybe(INTEGER), fields.maybe(0x80), fields.maybe(0x81)
    fields.end()
    numbers = [0 if item is None else item.integer(tag=item.tag) for item in (seconds, millis, micros)]
    if not (0 <= numbers[0] < 2**31 and all(0 <= number <= 999 for number in numbers[1:])):
        raise unfit("its accuracy is out of range")
    return timedelta(seconds=numbers[0], milliseconds=numbers[1], microseconds=numbers[2])


def _signer(value: Value) -> SignerInfo:
    fields = Cursor(value)
    fields.take().integer()
    issuer, serial, key_id = _signer_name(fields.take())
    digest_algorithm = _digest_algorithm(fields.take())
    attributes = fields.take(_IMPLICIT_0)
    algorithm = Cursor(fields.take())
    signature_algorithm = algorithm.take().oid()
    _ = algorithm.maybe(NULL) or algorithm.maybe(SEQUENCE)
    algorithm.end()
    signature = fields.take(OCTETS).content
    fields.maybe(_IMPLICIT_1)
    fields.end()
    found = _attributes(attributes)
    if found[CONTENT_TYPE].oid() != _TST_INFO:
        raise unfit("its signature is about something else than a time")
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        key_id=key_id,
        digest_algorithm=digest_algorithm,
        signature_algorithm=signature_algorithm,
        signed=bytes([SET]) + attributes.encoded[1:],  # RFC 5652 section 5.4: signed as a SET OF
        message_digest=found[MESSAGE_DIGEST].expect(OCTETS).content,
        essential=_essential(found),
        signature=signature,
    )


def _signer_name(value: Value) -> tuple[bytes, int, bytes | None]:
    if value.tag == 0x80:
        return b"", 0, value.content
    fields = Cursor(value)
    issuer, serial = fields.take(SEQUENCE).encoded, fields.take().integer()
    fields.end()
    return issuer, serial, None


def _attributes(value: Value) -> dict[str, Value]:
    """The signed attributes by type; each has one value here, and the ones that a token needs are there."""
    found: dict[str, Value] = {}
    for item in value.items():
        fields = Cursor(item)
        kind, values = fields.take().oid(), fields.take(SET).items()
        fields.end()
        if kind in found or len(values) != 1:
            raise unfit("a signed attribute stands twice or has not one value")
        found[kind] = values[0]
    if not {CONTENT_TYPE, MESSAGE_DIGEST} <= set(found):
        raise unfit("it lacks a signed attribute")
    return found


def _essential(attributes: dict[str, Value]) -> tuple[str, bytes]:
    """The digest of the signer's certificate (RFC 5816, RFC 2634): the first one of the attribute."""
    second = attributes.get(SIGNING_CERTIFICATE_2)
    attribute = second or attributes.get(SIGNING_CERTIFICATE)
    if attribute is None:
        raise unfit("it does not name the certificate of its signer")
    first = Cursor(Cursor(Cursor(attribute).take(SEQUENCE)).take())
    algorithm = "sha1"
    if second is not None:
        named = first.maybe(SEQUENCE)
        algorithm = "sha256" if named is None else _digest_algorithm(named)
    return algorithm, first.take(OCTETS).content


def _digest_algorithm(value: Value) -> str:
    fields = Cursor(value)
    name = HASHES.get(fields.take().oid())
    fields.maybe(NULL)
    fields.end()
    if name is None:
        raise unfit("it uses a hash algorithm that is none of SPEC 8.3")
    return name


def _only(value: Value) -> Value:
    items = value.items()
    if len(items) != 1:
        raise malformed("a wrapper does not hold exactly one value")
    return items[0]
