"""The XMP packet (ISO 16684-1) with the IPTC 2025.1 properties that say "made by AI": written and read.

    Iptc4xmpExt:DigitalSourceType     full URI of the IPTC NewsCodes term
    Iptc4xmpExt:AISystemUsed, AISystemVersionUsed, DigImageGUID (the entryId)
    Iptc4xmpCore:AltTextAccessibility what the picture shows, for screen readers; says that it is AI-generated
    xmp:CreatorTool, xmp:CreateDate, photoshop:Credit (the organisation)
    personactl:Detector               which detector answers for this file
    TC260:AIGC                        under the policy cn-gb45438 only

Prompts, seeds, scores and names of people have no place here. Reading refuses document type declarations, and with
them entities and external references; sizes and depth are bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple
from xml.parsers import expat

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "dcterms": "http://purl.org/dc/terms/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
    "personactl": "urn:personactl:xmp:1#",
}
"""Prefixes by which properties are named here."""

ALT_TEXT = "Iptc4xmpCore:AltTextAccessibility"
PROVENANCE = "dcterms:provenance"
"""Where C2PA puts the address of a manifest that is not in the file."""
DIGITAL_SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"

MAX_BYTES = 1 << 20
MAX_DEPTH = 24
MAX_ELEMENTS = 20_000
MAX_NAMESPACE = 256
"""Characters of a namespace's address: expat spells it out in the name of each element and attribute."""
MAX_PROPERTIES = 1000

_SINGLE = (DIGITAL_SOURCE_TYPE, "Iptc4xmpExt:DigImageGUID")
"""What has one value (IPTC Photo Metadata Standard): a list of several is a contradiction."""
_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}
_RDF, _DESCRIPTION = f"{RDF} RDF", f"{RDF} Description"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is not a Char of XML 1.0, production 2."""
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


class XmpError(ValueError):
    """A packet that is not read; the message says why."""


class XmpConflictError(XmpError):
    """A packet that gives one property two values: each reader believes another one."""


def build(properties: Mapping[str, str]) -> bytes:
    """An XMP packet of `prefix:name` → text. The alternative text becomes a language alternative, all else attributes.

    Characters that XML cannot carry become U+FFFD.
    """
    simple = {name: value for name, value in properties.items() if name != ALT_TEXT}
    prefixes = sorted({name.split(":")[0] for name in properties})
    attributes = [f'xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in prefixes]
    attributes += [f'{name}="{_escape(value)}"' for name, value in simple.items()]
    alternative = ""
    if ALT_TEXT in properties:
        item = f'<rdf:li xml:lang="x-default">{_escape(properties[ALT_TEXT])}</rdf:li>'
        alternative = f"<{ALT_TEXT}><rdf:Alt>{item}</rdf:Alt></{ALT_TEXT}>"
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">\n'
        f'<rdf:Description rdf:about="" {" ".join(attributes)}>{alternative}</rdf:Description>\n'
        '</rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
    ).encode()


def china_label(producer: str, content_id: str) -> str:
    """The AIGC value of GB 45438-2025, Annex E: at first writing the propagator is the producer."""
    fields = {
        "Label": "1",
        "ContentProducer": producer,
        "ProduceID": content_id,
        "ReservedCode1": "",
        "ContentPropagator": producer,
        "PropagateID": content_id,
        "ReservedCode2": "",
    }
    return json.dumps({"AIGC": fields}, separators=(",", ":"))


def parse(packet: bytes) -> dict[str, str]:
    """The properties of a packet as `prefix:name` (or `{uri}name`) → text; of a list, the default or first item.

    Raises XmpError for a packet that is too large or deep, not UTF-8 XML, or declares a document type, and
    XmpConflictError for one that gives a property two values.
    """
    if len(packet) > MAX_BYTES:
        raise XmpError(f"the packet is larger than {MAX_BYTES} bytes")
    reader = _Reader()
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    parser.StartNamespaceDeclHandler = _refuse_long_namespace
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(packet.strip(b"\0 \r\n\t"), True)
    except expat.ExpatError as error:
        raise XmpError(f"it is not well-formed XML ({expat.ErrorString(error.code)}, line {error.lineno})") from None
    return reader.properties


def _refuse_doctype(*_: object) -> None:
    raise XmpError("it declares a document type, which XMP has no use for and attacks have")


def _refuse_long_namespace(_: str | None, uri: str | None) -> None:
    if uri is not None and len(uri) > MAX_NAMESPACE:
        raise XmpError(f"a namespace has more than {MAX_NAMESPACE} characters")


def clean(text: str) -> str:
    """The text as a packet can carry it: characters that XML 1.0 excludes become U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)


def _escape(text: str) -> str:
    return clean(text).translate(_ESCAPES)


def _name(expanded: str) -> str:
    uri, _, local = expanded.rpartition(" ")
    return f"{_PREFIXES[uri]}:{local}" if uri in _PREFIXES else f"{{{uri}}}{local}"


class _Item(NamedTuple):
    name: str
    default: bool


class _Reader:
    """Collects the properties of every top-level rdf:Description; nested structures are passed over."""

    def __init__(self) -> None:
        self.properties: dict[str, str] = {}
        self._path: list[_Item] = []
        self._text: list[str] = []
        self._first_item = ""
        self._elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= MAX_DEPTH:
            raise XmpError(f"it is nested deeper than {MAX_DEPTH} levels")
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise XmpError(f"it has more than {MAX_ELEMENTS} elements")
        default = attributes.get("http://www.w3.org/XML/1998/namespace lang") == "x-default"
        self._path.append(_Item(name, default))
        self._text = []
        if self._in_description() == 0:
            for key, value in attributes.items():
                if not key.startswith(RDF) and " " in key:
                    self._add(key, value)
        elif self._in_description() == 1:
            self._first_item = ""
            if f"{RDF} resource" in attributes:
                self._add(name, attributes[f"{RDF} resource"])

    def end(self, name: str) -> None:
        level, text = self._in_description(), "".join(self._text)
        if level == 1 and (text.strip() or self._first_item):
            self._add(name, self._first_item or text)
        elif level == 3 and name == f"{RDF} li":
            if self._first_item not in ("", text) and _name(self._path[-3].name) in _SINGLE:
                raise XmpConflictError(f"it gives {_name(self._path[-3].name)} two values")
            if not self._first_item or self._path[-1].default:
                self._first_item = text
        self._path.pop()
        self._text = []

    def text(self, data: str) -> None:
        self._text.append(data)

    def _in_description(self) -> int | None:
        """How deep the current element stands in an rdf:Description that stands in rdf:RDF; None when in none."""
        above = ""
        for index, item in enumerate(self._path):
            if item.name == _DESCRIPTION and above == _RDF:
                return len(self._path) - 1 - index
            above = item.name
        return None

    def _add(self, expanded: str, value: str) -> None:
        name = _name(expanded)
        if self.properties.get(name, value) != value:
            raise XmpConflictError(f"it gives {name[:80]} two values")
        if len(self.properties) >= MAX_PROPERTIES:
            raise XmpError(f"it has more than {MAX_PROPERTIES} properties")
        self.properties[name] = value
