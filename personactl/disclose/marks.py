"""Every mark that a file carries, read from its bytes alone: C2PA manifest, XMP, EXIF. What `verify` judges.

Nothing is fetched, no pixel is decoded, and no file makes it raise: what is wrong with a file is part of the result.
Strings come as they stand in the file; whoever prints them escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from personactl.disclose import c2pa, exif, formats, stores, xmp
from personactl.disclose.c2pa import C2paReading
from personactl.disclose.parts import ContainerError, OverLimitError, Parts
from personactl.model import Finding, Severity

MAX_BYTES = 512 << 20

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What was found. `media_type` is sniffed, "" for a type that is not read; `xmp` maps `prefix:name` to text."""

    media_type: str
    c2pa: C2paReading
    xmp: Mapping[str, str] = field(default_factory=dict)
    exif_software: str = ""
    findings: tuple[Finding, ...] = ()


def read_marks(data: bytes, *, anchors: Sequence[str], tsa_roots: Sequence[str] = ()) -> Marks:
    """Read every mark of one file, verifying its manifest under `anchors` (PEM certificates of authorities).

    `tsa_roots` (PEM) are authorities of time-stamp services, for certificates that have expired.
    """
    row = formats.sniff(data)
    if row is None or len(data) > MAX_BYTES:
        reason = "its type is not read" if row is None else f"it is larger than {MAX_BYTES} bytes"
        return Marks(media_type="", c2pa=C2paReading(state="Unreadable", error=reason))
    try:
        parts = _parts(row, data)
    except ContainerError as error:
        what = "is not read" if isinstance(error, OverLimitError) else "breaks its format's rules"
        reading = C2paReading(state="Unreadable", error="nothing is looked for in a file that breaks rules or limits")
        unread = _finding("disclosure.file-malformed", f"the file {what}: {error}")
        return Marks(media_type=row.media_type, c2pa=reading, findings=(unread,))
    findings = _trailing(parts)
    reading = c2pa.read(data, row.media_type, anchors, parts=parts, tsa_roots=tsa_roots)
    return Marks(
        media_type=row.media_type,
        c2pa=reading,
        xmp=_read(_XMP, parts.xmp, findings),
        exif_software=_read(_EXIF, parts.exif, findings),
        findings=tuple(findings),
    )


def _parts(row: formats.Container, data: bytes) -> Parts:
    """Raises ContainerError; OverLimitError where the file, or a manifest store in it, would keep its readers busy."""
    parts = row.parts(data)
    for store in parts.c2pa[: stores.MAX_STORES]:
        stores.check(store)
    return parts


def _trailing(parts: Parts) -> list[Finding]:
    if not parts.trailing:
        return []
    message = f"{parts.trailing} bytes follow the end of the file's content"
    return [_finding("disclosure.trailing-data", message, "warning")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer(Generic[Value]):
    """How the one block of a metadata layer is read, and what it reads as when there is none that can be."""

    name: str
    read: Callable[[bytes], Value]
    error: type[Exception]
    empty: Value
    twice: str
    unreadable: str


_XMP: _Layer[Mapping[str, str]] = _Layer(
    name="XMP",
    read=xmp.parse,
    error=xmp.XmpError,
    empty={},
    twice="disclosure.xmp-twice",
    unreadable="disclosure.xmp-unreadable",
)
_EXIF: _Layer[str] = _Layer(
    name="EXIF",
    read=exif.software,
    error=exif.ExifError,
    empty="",
    twice="disclosure.exif-twice",
    unreadable="disclosure.exif-unreadable",
)


def _read(layer: _Layer[Value], blocks: Sequence[bytes], findings: list[Finding]) -> Value:
    """The one block of a layer; none, several or a malformed one read as empty, the latter two with a finding."""
    if len(blocks) > 1:
        findings.append(_finding(layer.twice, f"the file has {len(blocks)} {layer.name} blocks"))
    if len(blocks) != 1:
        return layer.empty
    try:
        return layer.read(blocks[0])
    except xmp.XmpConflictError as error:
        findings.append(_finding(layer.twice, f"the {layer.name} block is not read: {error}"))
        return layer.empty
    except layer.error as error:
        findings.append(_finding(layer.unreadable, f"the {layer.name} block is not read: {error}"))
        return layer.empty


def _finding(code: str, message: str, severity: Severity = "error") -> Finding:
    return Finding(code=code, severity=severity, message=message, hint=f"personactl explain {code}")
