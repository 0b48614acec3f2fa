"""XMP and EXIF: written with every character escaped, read without entities, depth or surprises."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personactl.disclose import exif, xmp

SIMPLE = "xmp:CreatorTool"
NASTY = "</rdf:Description> & \" ' <!-- ]]> \x1b[31m \u202e \ud83d\ude00 \0"


@given(st.dictionaries(st.sampled_from([SIMPLE, xmp.ALT_TEXT, "photoshop:Credit"]), st.text(), min_size=1))
def test_any_text_comes_back_as_xml_can_carry_it(properties: dict[str, str]) -> None:
    expected = {name: xmp.clean(value) for name, value in properties.items()}
    expected = {name: value for name, value in expected.items() if name != xmp.ALT_TEXT or value.strip()}
    read = xmp.parse(xmp.build(properties))
    assert {name: value for name, value in read.items() if name != xmp.ALT_TEXT} == {
        name: value for name, value in expected.items() if name != xmp.ALT_TEXT
    }
    if xmp.ALT_TEXT in expected:
        assert read[xmp.ALT_TEXT] == expected[xmp.ALT_TEXT]


def test_another_xml_parser_reads_the_packet() -> None:
    packet = xmp.build({SIMPLE: xmp.clean(NASTY), xmp.ALT_TEXT: xmp.clean(NASTY)})
    root = ElementTree.fromstring(packet)  # noqa: S314  our own packet
    description = root.find(f".//{{{xmp.RDF}}}Description")
    assert description is not None
    assert description.attrib[f"{{{xmp.NAMESPACES['xmp']}}}CreatorTool"] == xmp.clean(NASTY)
    assert [item.text for item in root.iter(f"{{{xmp.RDF}}}li")] == [xmp.clean(NASTY)]


def test_properties_may_be_elements_lists_or_links() -> None:
    body = f"""<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{xmp.RDF}'>
      <rdf:Description rdf:about='' xmlns:e='{xmp.NAMESPACES["Iptc4xmpExt"]}'>
        <e:DigitalSourceType rdf:resource='http://example.org/t'/>
        <e:AISystemUsed>system</e:AISystemUsed>
      </rdf:Description>
      <rdf:Description rdf:about='' xmlns:c='{xmp.NAMESPACES["Iptc4xmpCore"]}' xmlns:o='urn:other#'>
        <c:AltTextAccessibility><rdf:Alt><rdf:li xml:lang='de'>deutsch</rdf:li>
          <rdf:li xml:lang='x-default'>default</rdf:li></rdf:Alt></c:AltTextAccessibility>
        <o:List><rdf:Bag><rdf:li>first</rdf:li><rdf:li>second</rdf:li></rdf:Bag></o:List>
        <o:Nested rdf:parseType='Resource'><o:Inner>hidden</o:Inner></o:Nested>
      </rdf:Description></rdf:RDF></x:xmpmeta>"""
    assert xmp.parse(body.encode()) == {
        "Iptc4xmpExt:DigitalSourceType": "http://example.org/t",
        "Iptc4xmpExt:AISystemUsed": "system",
        "Iptc4xmpCore:AltTextAccessibility": "default",
        "{urn:other#}List": "first",
    }


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
HOSTILE = {
    "a document type": f"<!DOCTYPE x><rdf:RDF xmlns:rdf='{xmp.RDF}'/>",
    "billion laughs": f"<!DOCTYPE x [{LAUGHS}]><x>&l11;</x>",
    "an external entity": "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
    "a parameter entity": "<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://example.org/p'> %p;]><x/>",
    "an undeclared entity": "<x>&nbsp;</x>",
    "a tower": "<x>" * 10_000,
    "an open element": "<x>",
    "nothing": "",
    "text": "hello",
    "a bare ampersand": "<x a='&'/>",
    "an attribute twice": "<x a='1' a='2'/>",
    "an unknown prefix": "<x:y/>",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_packets_are_refused(what: str) -> None:
    with pytest.raises(xmp.XmpError):
        xmp.parse(HOSTILE[what].encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_document_type_in_another_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(xmp.XmpError):
        xmp.parse(f'<?xml version="1.0" encoding="{encoding}"?>{HOSTILE["billion laughs"]}'.encode(encoding))


def test_a_large_packet_and_many_properties_are_refused() -> None:
    with pytest.raises(xmp.XmpError, match="larger"):
        xmp.parse(b" " * (xmp.MAX_BYTES + 1))
    many = " ".join(f"a:p{number}='x'" for number in range(xmp.MAX_PROPERTIES + 1))
    body = f"<rdf:RDF xmlns:rdf='{xmp.RDF}' xmlns:a='urn:a#'><rdf:Description {many}/></rdf:RDF>"
    with pytest.raises(xmp.XmpError, match="properties"):
        xmp.parse(body.encode())


def test_one_property_with_two_values_is_refused_and_with_one_twice_is_not() -> None:
    def twin(first: str, second: str) -> bytes:
        one = f"<rdf:Description xmlns:xmp='{xmp.NAMESPACES['xmp']}' xmp:CreatorTool="
        return f"<rdf:RDF xmlns:rdf='{xmp.RDF}'>{one}'{first}'/>{one}'{second}'/></rdf:RDF>".encode()

    assert xmp.parse(twin("a", "a")) == {SIMPLE: "a"}
    with pytest.raises(xmp.XmpError, match="two values"):
        xmp.parse(twin("a", "b"))


@pytest.mark.parametrize("name", [xmp.DIGITAL_SOURCE_TYPE, "Iptc4xmpExt:DigImageGUID"])
def test_a_list_of_two_for_what_has_one_value_is_refused(name: str) -> None:
    def listed(*values: str) -> bytes:
        items = "".join(f"<rdf:li>{value}</rdf:li>" for value in values)
        namespaces = f"xmlns:rdf='{xmp.RDF}' xmlns:Iptc4xmpExt='{xmp.NAMESPACES['Iptc4xmpExt']}'"
        inner = f"<{name}><rdf:Bag>{items}</rdf:Bag></{name}>"
        return f"<rdf:RDF {namespaces}><rdf:Description>{inner}</rdf:Description></rdf:RDF>".encode()

    assert xmp.parse(listed("a", "a")) == {name: "a"}
    with pytest.raises(xmp.XmpConflictError, match="two values"):
        xmp.parse(listed("a", "b"))


def test_the_chinese_label_has_its_seven_fields_as_plain_characters() -> None:
    label = json.loads(xmp.china_label("example.org/personactl/01", "ab" * 16))["AIGC"]
    assert len(label) == 7
    assert label["Label"] == "1"
    assert label["ContentPropagator"] == label["ContentProducer"]


def test_exif_round_trips_and_reduces_to_ascii() -> None:
    block = exif.build(software="persön 1", description="AI", created_at="2026-01-02T03:04:05Z")
    assert exif.software(block) == "pers?n 1"


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0MM\0*", b"MM\0*", b"II*\0\xff\xff\xff\xff", b"MM\0*" + b"\xff" * 40, b"\0" * 9]
)
def test_a_malformed_exif_block_is_refused(block: bytes) -> None:
    with pytest.raises(exif.ExifError):
        exif.software(block)


def test_exif_without_software_reads_as_empty() -> None:
    assert exif.software(b"MM\0*\0\0\0\x08\0\0\0\0\0\0") == ""


def test_a_large_exif_block_is_refused() -> None:
    with pytest.raises(exif.ExifError, match="larger"):
        exif.software(b"MM\0*" + bytes(exif.MAX_BYTES))
