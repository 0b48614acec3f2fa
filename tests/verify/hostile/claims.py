"""Any C2PA manifest store, byte for byte, signed with a studio's own key: what no library would write.

store → manifest → assertion store, claim, signature      JUMBF (ISO/IEC 19566-5), CBOR (RFC 8949), COSE (RFC 9052)
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import studio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from studio import Studio

from personactl import claim_terms
from personactl.disclose import c2pa_manifest, exif, png, xmp

LABEL = "urn:c2pa:11111111-2222-4333-8444-555555555555"
INNER = "urn:c2pa:22222222-2222-4333-8444-555555555555"
ACTIONS, OURS = c2pa_manifest.ACTIONS_LABEL, c2pa_manifest.ASSERTION_LABEL
CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
SYNTHETIC = claim_terms.TRAINED_ALGORITHMIC_MEDIA
COMPOSITE = SYNTHETIC.replace("trained", "compositeWithTrained")
PLACE = 33
"""Where the manifest goes in a PNG: behind IHDR."""

_KIND_END = bytes.fromhex("00110010800000AA00389B71")


class Raw(bytes):
    """CBOR that stands as it is."""


class Assertion(NamedTuple):
    label: str
    box: bytes
    gathered: bool = False


def cbor(value: Any) -> bytes:
    """A value as CBOR, `Raw` as it is."""
    if isinstance(value, Raw):
        return bytes(value)
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return _head(0, value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(cbor(item) for item in value)
    assert isinstance(value, dict)
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + number.to_bytes(size, "big")


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def superbox(kind: str, label: str, *children: bytes) -> bytes:
    described = box(b"jumd", kind.encode() + _KIND_END + b"\x03" + label.encode() + b"\0")
    return box(b"jumb", described + b"".join(children))


def assertion(label: str, data: Any) -> Assertion:
    """In CBOR; our own in JSON, as we write it."""
    if label.startswith(OURS):
        return Assertion(label, superbox("json", label, box(b"json", json.dumps(data).encode())))
    return Assertion(label, superbox("cbor", label, box(b"cbor", cbor(data))))


def usual(ours: Studio, **generation: Any) -> list[Assertion]:
    """The assertions that our files carry, but for the hard binding."""
    return [assertion(item["label"], item["data"]) for item in studio.claim(ours, **generation)["assertions"]]


def changed(found: Sequence[Assertion], label: str, *instead: Assertion) -> list[Assertion]:
    return [other for item in found for other in (instead if item.label == label else (item,))]


def gathered(found: Sequence[Assertion], label: str) -> list[Assertion]:
    return [item._replace(gathered=item.gathered or item.label == label) for item in found]


def actions(*items: dict[str, Any], label: str = ACTIONS) -> Assertion:
    return assertion(label, {"allActionsIncluded": True, "actions": list(items)})


def created(source_type: str) -> dict[str, Any]:
    return {"action": "c2pa.created", "when": studio.NOW, "digitalSourceType": source_type}


def reference(item: Assertion) -> dict[str, Any]:
    return {"url": f"self#jumbf=c2pa.assertions/{item.label}", "hash": hashlib.sha256(item.box[8:]).digest()}


def manifest(
    signer: Studio, label: str, found: Sequence[Assertion], *, kind: str = "c2ma", undeclared: bytes = b"", **more: Any
) -> bytes:
    """One manifest. `more` is put into the claim."""
    claim: dict[str, Any] = {
        "instanceID": "xmp:iid:00000000",
        "claim_generator_info": {"name": "personactl", "version": "0.1.0"},
        "signature": f"self#jumbf=/c2pa/{label}/c2pa.signature",
        "created_assertions": [reference(item) for item in found if not item.gathered],
        "dc:title": "a.png",
        "alg": "sha256",
    }
    passed_on = [reference(item) for item in found if item.gathered]
    if passed_on:
        claim["gathered_assertions"] = passed_on
    written = cbor({**claim, **more})
    return superbox(
        kind,
        label,
        superbox("c2as", "c2pa.assertions", *(item.box for item in found), undeclared),
        superbox("c2cl", "c2pa.claim.v2", box(b"cbor", written)),
        superbox("c2cs", "c2pa.signature", box(b"cbor", _signature(signer, written))),
    )


def store(*manifests: bytes) -> bytes:
    return superbox("c2pa", "c2pa", *manifests)


def _signature(signer: Studio, payload: bytes) -> bytes:
    chain = x509.load_pem_x509_certificates(signer.keyset.c2pa.chain_pem)
    key = serialization.load_pem_private_key(signer.keyset.c2pa.private_key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    protected = cbor({1: Raw(b"\x26"), 33: [item.public_bytes(serialization.Encoding.DER) for item in chain]})
    signed = key.sign(cbor(["Signature1", protected, b"", payload]), ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(signed)
    return b"\xd2" + cbor([protected, {"pad": bytes(8)}, None, r.to_bytes(32, "big") + s.to_bytes(32, "big")])


def picture(
    *, packet: bytes | None = None, block: bytes | None = None, rgb: np.ndarray[Any, Any] | None = None
) -> bytes:
    """A PNG of 16x16 with the XMP and EXIF of ours, not signed."""
    said = {xmp.DIGITAL_SOURCE_TYPE: SYNTHETIC, "Iptc4xmpExt:DigImageGUID": "d1" * 16}
    written = exif.build(software="test", description="test", created_at=studio.NOW)
    return png.encode(
        studio.picture(3, 16) if rgb is None else rgb,
        xmp=xmp.build(said) if packet is None else packet,
        exif=written if block is None else block,
    )


def binding(digest: bytes, *exclusions: tuple[int, int]) -> Assertion:
    ranges = [{"start": start, "length": length} for start, length in exclusions]
    data = {"exclusions": ranges, "name": "jumbf manifest", "alg": "sha256", "hash": digest, "pad": b""}
    return assertion("c2pa.hash.data", data)


def bound(plain: bytes, build: Callable[[Assertion], bytes], *, left_out: tuple[int, int] | None = None) -> bytes:
    """The picture with the store that `build` makes of its hard binding. `left_out`: a further exclusion, start and end
    in the picture without a manifest."""
    hashed = plain if left_out is None else plain[: left_out[0]] + plain[left_out[1] :]
    digest, size, made = hashlib.sha256(hashed).digest(), 70_000, b""
    while size != len(made):
        size = len(made) or size
        ranges = [(PLACE, size + 12)]
        if left_out is not None:
            ranges.append((left_out[0] + size + 12, left_out[1] - left_out[0]))
        made = build(binding(digest, *ranges))
    return embedded(made, plain)


def embedded(made: bytes, plain: bytes | None = None) -> bytes:
    """A store in a picture, whether it fits or not."""
    plain = picture() if plain is None else plain
    return plain[:PLACE] + studio.chunk(b"caBX", made) + plain[PLACE:]


def signed(signer: Studio, found: Sequence[Assertion], *, plain: bytes | None = None, **more: Any) -> bytes:
    """One manifest of these assertions and the hard binding, in its picture."""

    def build(hard: Assertion) -> bytes:
        return store(manifest(signer, LABEL, [*found, hard], **more))

    return bound(picture() if plain is None else plain, build)


def ingredient(target: str, whole: bytes, *, relationship: str = "inputTo", instance: int = 0) -> Assertion:
    """An ingredient that is the manifest `target` of the same store; nothing wrong is said about it."""
    data = {
        "relationship": relationship,
        "dc:title": "p",
        "activeManifest": {"url": f"self#jumbf=/c2pa/{target}", "hash": hashlib.sha256(whole[8:]).digest()},
        "claimSignature": {"url": f"self#jumbf=/c2pa/{target}/c2pa.signature", "hash": bytes(32)},
        "validationResults": {"activeManifest": {"success": [], "informational": [], "failure": []}},
    }
    return assertion("c2pa.ingredient.v3" + (f"__{instance}" if instance else ""), data)
