"""A reference picture is enrolled: what it says about itself is noted, and it gets a credential if it has none.

    it has a whole credential, anybody's    it stays as it is: signing again would drop what it says
    its credential is broken                it is refused
    it has none                             it is signed in memory (`enrolment_manifest`) and read back

XMP and EXIF stay in the file as they are; the pixels are not touched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from personactl.claim_terms import VOCABULARY
from personactl.disclose import enrolment_manifest, formats, xmp
from personactl.disclose.c2pa import C2paReading, C2paSigner
from personactl.disclose.marks import Marks, read_marks
from personactl.disclose.statements import CHINA_LABEL
from personactl.errors import DisclosureError

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """`data` is the file with its credential, the very bytes that came unless `signed`. `marks` are short phrases of
    what was found on the picture as it came, printable; `foreign`: it is signed by someone whom our own anchor does
    not accept, or took in a picture that is."""

    data: bytes = field(repr=False)
    signed: bool
    marks: tuple[str, ...]
    foreign: str = ""


def enrol_picture(data: bytes, signer: C2paSigner, *, declared: str, at: str, longest: int) -> Enrolled:
    """Enrol one picture. `declared`: the short name of its IPTC digital source type, "" where nothing is known.

    `at` is RFC 3339 in UTC, `longest` the most characters that a mark may have. Raises DisclosureError:
    c2pa.reference-unreadable (its type is not read, or it breaks its format's rules), c2pa.ingredient-broken,
    c2pa.reference-contradicts (it says itself that it was made otherwise); KeyProblem when it cannot be signed.
    """
    marks = read_marks(data, anchors=signer.anchors, tsa_roots=signer.tsa_roots)
    _require_sound(marks)
    _require_agreement(marks, declared)
    found = tuple(_phrase(text, longest) for text in _found(marks))
    reading = marks.c2pa
    if reading.state != "Absent":
        foreign = (reading.issuer or "unknown") if not reading.signer_accepted or reading.ingredient_failures else ""
        return Enrolled(data=data, signed=False, marks=found, foreign=_phrase(foreign, longest))
    parent = {} if declared else {enrolment_manifest.PARENT: data}
    manifest = enrolment_manifest.definition(declared=declared, at=at)
    signed = signer.sign(manifest, marks.media_type, data, parent=parent).data
    _require_read_back(read_marks(signed, anchors=signer.anchors), marks, signer)
    return Enrolled(data=signed, signed=True, marks=found)


def _require_sound(marks: Marks) -> None:
    broken = [item.message for item in marks.findings if item.code == "disclosure.file-malformed"]
    if not marks.media_type or broken:
        names = ", ".join(row.name.upper() for row in formats.FORMATS)
        raise DisclosureError(
            f"the picture cannot be enrolled: {broken[0] if broken else marks.c2pa.error}",
            hint=f"save it anew as one of {names}",
            code="c2pa.reference-unreadable",
        )
    if marks.c2pa.fault:
        raise DisclosureError(
            f"the picture cannot be enrolled: {marks.c2pa.fault}",
            hint="use the picture as it was before it was altered",
            code="c2pa.ingredient-broken",
        )


def _require_agreement(marks: Marks, declared: str) -> None:
    """What the record declares must not contradict the picture, whose own word is carried along with it."""
    said = {
        "credential": marks.c2pa.source_types if marks.c2pa.state != "Absent" else (),
        "XMP": (marks.xmp[xmp.DIGITAL_SOURCE_TYPE],) if xmp.DIGITAL_SOURCE_TYPE in marks.xmp else (),
    }
    for where, types in said.items():
        if declared and types and VOCABULARY + declared not in types:
            raise DisclosureError(
                f"the record says that the picture is {declared}, its {where} says {_phrase(', '.join(types), 200)}",
                hint="correct digitalSourceType in the record, or take it out: the picture speaks for itself",
                code="c2pa.reference-contradicts",
            )


def _found(marks: Marks) -> Iterator[str]:
    yield f"C2PA: {_credential(marks.c2pa)}"
    if xmp.DIGITAL_SOURCE_TYPE in marks.xmp:
        yield f"XMP DigitalSourceType: {marks.xmp[xmp.DIGITAL_SOURCE_TYPE]}"
    if CHINA_LABEL in marks.xmp:
        yield f"XMP {CHINA_LABEL}: {marks.xmp[CHINA_LABEL]}"
    if marks.exif_software:
        yield f"EXIF Software: {marks.exif_software}"


def _credential(reading: C2paReading) -> str:
    if reading.state == "Absent":
        return "none"
    types = ", ".join(item.removeprefix(VOCABULARY) for item in reading.source_types)
    standing = "accepted by the project's own anchor" if reading.signer_accepted else "not the project's own"
    return (
        f"{reading.first_action or 'no action'} ({types or 'no source type'}), signed by {reading.issuer} ({standing})"
    )


def _require_read_back(after: Marks, before: Marks, signer: C2paSigner) -> None:
    if not after.c2pa.sound or after.c2pa.leaf_sha256 != signer.leaf_sha256:
        why = ", ".join((*after.c2pa.failures, *after.c2pa.ingredient_failures)) or after.c2pa.error
        raise _lost(
            "the C2PA signature", f"does not hold under its own anchors ({why or 'no reason'})", "c2pa.not-trusted"
        )
    if after.xmp != before.xmp:
        raise _lost("the XMP packet", "is not what it was", "disclosure.xmp-lost")
    if after.exif_software != before.exif_software:
        raise _lost("the EXIF block", "is not what it was", "disclosure.exif-lost")


def _lost(layer: str, what: str, code: str) -> DisclosureError:
    return DisclosureError(f"{layer} of the signed reference {what}", hint=f"personactl explain {code}", code=code)


def _phrase(text: str, longest: int) -> str:
    """One line of printable text that a record may hold; what it may not hold becomes U+FFFD."""
    plain = "".join("\ufffd" if unicodedata.category(item) == "Cc" or item in _BIDI else item for item in text)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"
