"""The persona record `personactl.persona/1`: its keys as data, and the strict reading of its JSON.

`nonce` blinds every public digest that covers private text: recordSha256 (the name), shotKey and jobKey (the prompt).
Numbers are whole and text is plain, so that every record has canonical JSON. Keys that this version does not know are
refused: a record is frozen into the ledger, and what is signed must be understood.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from personactl.document import Fault, Key, PersonaProblems, Section, parse_json
from personactl.document.keys import Rows
from personactl.document.kinds import (
    IDENT_REGEX,
    Choice,
    Flag,
    Ident,
    InsidePath,
    Nullable,
    Pattern,
    Several,
    Text,
    Version,
    Whole,
)
from personactl.document.source import Unparsable

SCHEMA = "personactl.persona/1"
LIMIT = 256 * 1024
ROLES = ("hero", "front", "three-quarter", "profile", "expression", "other")
FACE = (
    "shape", "skin", "eyes", "brows", "nose", "mouth", "cheeks", "jaw", "ears",
    "freckles", "moles", "beard", "glasses", "marks",
)  # fmt: skip

SOURCE_TYPES = (
    "algorithmicMedia", "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic",
    "digitalCreation", "humanEdits", "dataDrivenMedia", "virtualRecording", "screenCapture", "composite",
    "compositeCapture", "digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print",
)  # fmt: skip
"""Terms of the IPTC NewsCodes "Digital Source Type" that a picture can have, by their short names."""
PHRASE_LENGTH = 200
_PHRASE = Text(most=PHRASE_LENGTH)
_SHA256 = Pattern(regex="[0-9a-f]{64}", means="a SHA-256 as 64 lower-case hex digits")
_DATE = Pattern(regex=r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", means="a date, YYYY-MM-DD")
_COLOUR = Pattern(
    regex=r"#[0-9a-f]{6}|lab\(-?\d{1,3}(?:\.\d{1,2})? -?\d{1,3}(?:\.\d{1,2})? -?\d{1,3}(?:\.\d{1,2})?\)",
    means='a colour, "#a0522d" or "lab(62 10 18)"',
)
_PALETTE = Section(
    name='"palette"',
    doc="Declared colours that the identity record compares with what was made.",
    keys=tuple(
        Key(name=name, kind=_COLOUR, doc=f"Colour of the {name}.")
        for name in ("skin", "hair", "brows", "iris", "lips", "wardrobe", "accent")
    ),
)
_REFERENCE = Section(
    name='a reference in "references"',
    doc="A reference picture of this version.",
    keys=(
        Key(name="role", kind=Choice(now=ROLES), required=True, doc="What it shows."),
        Key(name="path", kind=InsidePath(), required=True, doc="File, relative to the version's folder."),
        Key(name="sha256", kind=_SHA256, required=True, doc="Digest of the file after enrolment."),
        Key(name="license", kind=_PHRASE, doc="Licence of the picture."),
        Key(name="source", kind=_PHRASE, doc="Where it comes from: renderer, generator, photographer."),
        Key(
            name="digitalSourceType",
            kind=Choice(now=SOURCE_TYPES),
            doc="How the picture was made, where you made it or know: an IPTC term. The enrolment signs it.",
        ),
        Key(name="marks", kind=Several(item=_PHRASE, most=16), doc="Provenance marks found at enrolment."),
        Key(name="originalPath", kind=InsidePath(), doc="The file as it came, where the enrolment signed a copy."),
        Key(name="originalSha256", kind=_SHA256, doc="Digest of the file as it came."),
    ),
)
_TERM = Section(
    name='"term"',
    doc="Time for which the consent holds.",
    keys=(
        Key(name="from", kind=_DATE, required=True, doc="First day."),
        Key(name="until", kind=Nullable(kind=_DATE), required=True, doc="Last day, null without end."),
    ),
)
_CONSENT = Section(
    name='"consent"',
    doc="Consent of the person behind a persona that is not purely synthetic.",
    keys=(
        Key(name="documentSha256", kind=_SHA256, required=True, doc="Digest of the signed document."),
        Key(name="signedOn", kind=_DATE, required=True, doc="Date of the signature."),
        Key(name="capacity", kind=Choice(now=("self", "guardian", "estate")), required=True, doc="Who signed."),
        Key(name="minor", kind=Flag(), required=True, doc="Whether the person is a minor; true is refused."),
        Key(name="uses", kind=Several(item=_PHRASE, least=1), required=True, doc="Permitted uses."),
        Key(name="territories", kind=Several(item=_PHRASE, least=1), required=True, doc="Permitted territories."),
        Key(name="term", kind=_TERM, required=True, doc="Time."),
        Key(name="training", kind=Flag(), required=True, doc="May a model be trained on the pictures?"),
        Key(name="embedding", kind=Flag(), required=True, doc="May a face embedding be computed?"),
        Key(name="revocationContact", kind=Text(most=200, least=1), required=True, doc="Where consent is revoked."),
    ),
)
_FACE = Section(
    name='"face"',
    doc='Fixed traits as phrases that may stand in a prompt: "green almond eyes", not "green".',
    keys=tuple(Key(name=name, kind=_PHRASE, doc=f"Phrase for {name}.") for name in FACE),
)
_WARDROBE = Section(
    name='"wardrobe"',
    doc="Clothing.",
    keys=(
        Key(name="default", kind=_PHRASE, doc="Clothing where the shot names none."),
        Key(name="rules", kind=Several(item=_PHRASE), doc="Rules for people who write manifests."),
    ),
)
_PROMPT = Section(
    name='"prompt"',
    doc="How the persona is named and described in prompts, where the defaults do not suit the model.",
    keys=(
        Key(name="name", kind=_PHRASE, doc='Instead of the name; "" leaves it out.'),
        Key(name="traits", kind=Several(item=_PHRASE), doc="Instead of the phrases of face, hair, body and posture."),
    ),
)
RECORD = Section(
    name="the record",
    doc="One version of a persona.",
    keys=(
        Key(name="schema", kind=Version(value=SCHEMA), required=True, doc="Version of the record's format."),
        Key(name="id", kind=Ident(), required=True, doc="Id of the persona."),
        Key(name="version", kind=Whole(least=1, most=999_999), required=True, doc="Version, from 1."),
        Key(
            name="parent",
            kind=Nullable(kind=Pattern(regex=IDENT_REGEX + "@[1-9][0-9]{0,5}", means='a version, "lira@1"')),
            doc="Version that this one was made from.",
        ),
        Key(name="name", kind=Text(most=100, least=1), required=True, doc="Name for people."),
        Key(
            name="origin",
            kind=Choice(now=("synthetic", "derived", "real")),
            required=True,
            doc="Nobody real, derived from a real person, or a real person.",
        ),
        Key(
            name="nonce",
            kind=Pattern(regex="[0-9a-f]{64}", means="32 random bytes as 64 lower-case hex digits"),
            required=True,
            doc="Random, and as private as prompts: it keeps public digests from confirming guesses.",
        ),
        Key(name="face", kind=_FACE, doc="Fixed traits of the face."),
        Key(name="hair", kind=_PHRASE, doc="Hair, as a phrase."),
        Key(name="body", kind=_PHRASE, doc="Build and height, as a phrase."),
        Key(name="wardrobe", kind=_WARDROBE, doc="Clothing."),
        Key(name="lighting", kind=_PHRASE, doc="Light where neither scene nor style names one."),
        Key(name="posture", kind=_PHRASE, doc="Posture, as a phrase."),
        Key(name="palette", kind=_PALETTE, doc="Declared colours."),
        Key(name="prompt", kind=_PROMPT, doc="Name and traits in prompts."),
        Key(name="references", kind=Rows(section=_REFERENCE, most=64), doc="Reference pictures."),
        Key(name="consent", kind=Nullable(kind=_CONSENT), doc="Required unless the origin is synthetic."),
        Key(name="notes", kind=Text(most=2000, lines=True), doc="For people; never leaves the project."),
    ),
)


def parse(data: bytes, path: str) -> dict[str, Any]:
    """The record in `data`. Raises PersonaProblems with every problem and its line and column."""
    try:
        document = parse_json(data, path=path, room="persona", limit=LIMIT)
    except Unparsable as error:
        raise PersonaProblems(error.problems) from None
    problems = document.problems(chain(RECORD.faults(document.value), _cross_faults(document.value)))
    if problems:
        raise PersonaProblems(problems)
    record: dict[str, Any] = document.value
    return record


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """A record as the file that people read and edit: UTF-8, two spaces, keys in the order given, final newline."""
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()


def _cross_faults(value: object) -> Iterator[Fault]:
    if not isinstance(value, dict):
        return
    consent = value.get("consent")
    if value.get("origin") in ("derived", "real") and consent is None:
        message = f'a persona of origin "{value["origin"]}" needs a consent record'
        hint = 'add "consent", or use a purely synthetic persona'
        yield Fault(path=("origin",), code="consent-missing", message=message, hint=hint)
    if isinstance(consent, dict) and consent.get("minor") is True:
        yield Fault(path=("consent", "minor"), code="minor", message="personas of minors are refused")
    references = value.get("references")
    seen: set[str] = set()
    for index, reference in enumerate(references if isinstance(references, list) else ()):
        name = reference.get("path") if isinstance(reference, dict) else None
        if not isinstance(name, str):
            continue
        if re.search(r"\.(?:png|jpe?g|webp)$", name) is None:
            message = f'"{name[:60]}" is not a .png, .jpg, .jpeg or .webp file'
            yield Fault(path=("references", index, "path"), code="bad-value", message=message)
        if name in seen:
            message = f'two references have the path "{name[:60]}"'
            yield Fault(path=("references", index, "path"), code="duplicate", message=message)
        seen.add(name)
