"""What was found about one file, before anything is concluded from it. Plain values, no I/O, no libraries.

    Source        the bytes, or why there are none
    Credential    the C2PA claim as read under the verifier's anchors
    Metadata      XMP and EXIF
    Pixels        the watermark, when the picture was decoded
    Record        what one receipt, or the ledger, says about these bytes
    Approval      what the persons who approve say about them, by the rule of the ledger (SPEC 6.11)

The rules in `axes.py` and `disclosure.py` see nothing else, so each of them can be tested without a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from personactl.model import Finding
from personactl.policy import LabelFacts
from personactl.verdict import EntryCandidate

if TYPE_CHECKING:
    from personactl_ledger import Approval

_SCHEME = re.compile(r"[A-Za-z0-9._-]{1,40}/[A-Za-z0-9._-]{1,40}")

Presence = Literal["embedded", "absent", "remote"]
ClaimState = Literal["Trusted", "Valid", "Invalid", ""]
Signer = Literal["accepted", "listed", "not-allowed", "unknown", "expired", "not-established", "not-asked"]
RecordSource = Literal["receipt", "ledger"]
RecordState = Literal[
    "proven",
    "refuted",
    "absent",
    "invalid",
    "unreadable",
    "untrusted",
    "unchecked",
    "broken",
    "voided",
    "pending",
    "distrusted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One opened file. `data` is empty and `problem` is set when it cannot be judged at all."""

    path: str
    data: bytes = b""
    sha256: str = ""
    media_type: str = ""
    problem: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One entry of `c2pa.actions`: its name and its digitalSourceType ("" where it has none)."""

    name: str
    source_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """The active C2PA claim of a file.

    `state` is the validator's; `failures` are the failure codes of the active claim, `ingredient_failures` those of
    every ingredient delta. `problem` says why the file or its claim could not be taken apart.
    `signer` is what the trust files say about the certificate; `trust_origin` is the origin of the one that accepts it.
    `listed`: no trust file accepts it, and its authority is on a public list that the verifier brought. `lists` names
    the lists without which the signer of this file, or that of a picture that went in, would not be accepted.
    `generation` is the assertion `org.personactl.generation`, `model_type` that of `c2pa.ai-disclosure`;
    `metadata_source_types` is what metadata assertions name as the digital source type.
    """

    presence: Presence = "absent"
    state: ClaimState = ""
    problem: Finding | None = None
    failures: tuple[str, ...] = ()
    ingredient_failures: tuple[str, ...] = ()
    signer: Signer = "not-asked"
    lists: tuple[str, ...] = ()
    trust_origin: str = ""
    development: bool = False
    leaf_sha256: str = ""
    actions: tuple[Action, ...] = ()
    model_type: str = ""
    metadata_source_types: tuple[str, ...] = ()
    generation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entry_id(self) -> str:
        """The entryId that the assertion names, "" without one."""
        return _text(self.generation.get("entryId"))

    @property
    def ledger_origin(self) -> str:
        return _text(self.generation.get("ledgerOrigin"))

    @property
    def watermark_scheme(self) -> str:
        """The scheme, `name/version`, of a watermark other than the built-in one; "" where the assertion names none."""
        scheme = _text(self.generation.get("watermark"))
        return scheme if _SCHEME.fullmatch(scheme) else ""

    @property
    def persona(self) -> tuple[str, int] | None:
        return persona_of(self.generation)

    @property
    def label(self) -> LabelFacts:
        """What the assertion says of the visible label. One without the member, as older files have it, says none."""
        said = self.generation.get("label")
        if not isinstance(said, Mapping) or said.get("decision") != "drawn":
            return LabelFacts(visible_label=False, label_words=())
        acronym, *words = _text(said.get("text")).split() or [""]
        return LabelFacts(visible_label=True, label_words=tuple(words) if acronym == "AI" else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The XMP fields that the rules compare, "" where one is not there; `twice`: there are several XMP packets.

    `software` is what EXIF names, "" without a block that can be read. `statements` are what the XMP says beside, in
    the names of policy checks.
    """

    source_type: str = ""
    image_guid: str = ""
    problem: str = ""
    twice: bool = False
    software: str = ""
    statements: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[str, ...]:
        """The metadata marks that are there, in the names of policy checks."""
        xmp = ("xmp",) if self.source_type and not self.twice else ()
        return (*xmp, *(("exif",) if self.software else ()), *(self.statements if xmp else ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """The watermark. `payload` is 16 hex digits, `score` a decimal string, `scheme` what was looked for.

    `refused`: it could not be decoded; `skipped`: it is larger than what is decoded unasked; `not-read`: this version
    looks for no watermark in such a file, a clip for example. `problem` says why.
    `codes`: the ISCC Image-Codes to look it up by, 32 bytes each, its own first; empty where nobody looks.
    """

    state: Literal["not-decoded", "skipped", "refused", "not-read", "absent", "present"] = "not-decoded"
    payload: str = ""
    score: str = ""
    scheme: str = ""
    problem: str = ""
    codes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One source of exact bytes (a receipt or the ledger) and what it says about this file.

    `proven`: signatures and inclusion hold under a trust file; the fields tell what the entry says, which may still be
    about other bytes. `refuted`: a receipt that holds by itself, whose entry a ledger of the same origin does not have.
    `unreadable`: a receipt that the system does not let be read. `untrusted`: it belongs to a log that no trust file
    names. `unchecked`: there is no trust file.
    `pending`: the ledger holds an entry that no checkpoint covers yet.
    `distrusted`: the entry holds, but a key that it rests on was revoked from before it. `notes`: what this source
    cannot show, `shown`: what its time stamps show.
    `hint`: what would help, where that is not what the state says.
    `leaf_hash`: the 32 bytes by which the tree knows a proven entry, else empty.
    """

    source: RecordSource
    state: RecordState
    reason: str = ""
    hint: str = ""
    subject_sha256: str = ""
    entry_id: str = ""
    origin: str = ""
    index: int | None = None
    leaf_hash: bytes = b""
    persona: tuple[str, int] | None = None
    development: bool = False
    notes: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    source: Source
    credential: Credential = Credential()
    metadata: Metadata = Metadata()
    pixels: Pixels = Pixels()
    records: tuple[Record, ...] = ()
    candidates: tuple[EntryCandidate, ...] = ()
    approval: Approval | None = None
    notes: tuple[Finding, ...] = ()


def persona_of(document: Mapping[str, Any]) -> tuple[str, int] | None:
    """`persona` {id, version} of an assertion or predicate, None unless both have the right type."""
    persona = document.get("persona")
    if not isinstance(persona, Mapping):
        return None
    name, version = persona.get("id"), persona.get("version")
    return (name, version) if isinstance(name, str) and type(version) is int else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
