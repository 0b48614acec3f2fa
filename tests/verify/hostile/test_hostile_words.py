"""Escape sequences, bidi marks and HTML in every string that a file brings: none reaches a terminal or a report raw."""

from __future__ import annotations

import json
import os
import unicodedata
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import claims
import pytest
import studio
from attacks import Studios, command

from personactl.disclose import exif, png, xmp

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e\u2066</script><img src=x onerror=alert(1)>|[a](javascript:x)`\r\n\x9b31m\u2028"
MARK = "owned"
RAW = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that move, hide or reorder what stands around them."""


def hostile_definition(studios: Studios) -> dict[str, Any]:
    """Our definition with that string wherever a string may stand."""
    definition = studio.claim(
        studios.ours, entry_id=HOSTILE, persona={"id": HOSTILE, "version": 2}, policies=[{"id": HOSTILE, "sha256": "x"}]
    )
    definition["title"] = HOSTILE
    definition["claim_generator_info"][0]["version"] = "1"
    (created,) = studio.assertion_data(definition, claims.ACTIONS)["actions"]
    created["description"] = HOSTILE
    created["softwareAgent"] = {"name": HOSTILE, "version": HOSTILE}
    studio.assertion_data(definition, "c2pa.ai-disclosure").update(modelName=HOSTILE, modelType=HOSTILE)
    return definition


def signed(studios: Studios, definition: dict[str, Any], *, said: str = HOSTILE) -> bytes:
    properties = {xmp.DIGITAL_SOURCE_TYPE: said, "Iptc4xmpExt:DigImageGUID": said, "photoshop:Credit": said}
    return studio.sign(studios.ours, definition, properties=properties, software=said)


def plain(said: str) -> bytes:
    packet = xmp.build({"dcterms:provenance": f"http://198.51.100.7/{said}", xmp.DIGITAL_SOURCE_TYPE: said})
    return png.encode(
        studio.picture(5), xmp=packet, exif=exif.build(software=said, description=said, created_at=studio.NOW)
    )


@pytest.fixture
def delivery(studios: Studios, tmp_path: Path) -> Path:
    """Files whose names, claims, metadata, ledger and receipts all carry the string."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    name = HOSTILE.replace("/", "_")
    definition = hostile_definition(studios)
    (folder / f"1{name}.png").write_bytes(signed(studios, definition))
    for number, (label, key) in enumerate(
        [(claims.ACTIONS, "digitalSourceType"), (claims.OURS, "ledgerOrigin"), (claims.OURS, "schema")], start=2
    ):
        changed = hostile_definition(studios)
        data = studio.assertion_data(changed, label)
        (data["actions"][0] if label == claims.ACTIONS else data)[key] = HOSTILE
        (folder / f"{number}{name}.png").write_bytes(signed(studios, changed))
    first = claims.changed(
        claims.usual(studios.ours), claims.ACTIONS,
        claims.actions(claims.created(claims.SYNTHETIC), {"action": HOSTILE, "digitalSourceType": HOSTILE}),
    )  # fmt: skip
    (folder / f"5{name}.png").write_bytes(claims.signed(studios.ours, first))
    (folder / f"6{name}.png").write_bytes(plain(HOSTILE))
    (folder / f"7{name}").write_bytes(b"text")
    (folder / os.fsdecode(b"8\xff\xfe" + os.fsencode(name))).write_bytes(b"")
    path = studios.ours.deliver(folder, called=f"9{name}.png", receipt=False)
    receipt = path.with_name(path.name + ".receipt")
    receipt.write_bytes(studio.edited_receipt(studios.ours.works["png"].receipt, schema=HOSTILE, proof=HOSTILE))
    other = studios.ours.deliver(folder, called=f"a{name}.png", receipt=False)
    proof = json.loads(studios.ours.works["png"].receipt)["proof"].replace(studios.ours.origin, HOSTILE)
    other.with_name(other.name + ".receipt").write_bytes(
        studio.edited_receipt(studios.ours.works["png"].receipt, proof=proof)
    )
    return folder


def raw_characters(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) in RAW} - {"\n"}


@pytest.fixture
def trust(studios: Studios, tmp_path: Path) -> Path:
    path = tmp_path / "trust.json"
    path.write_bytes(studios.ours.trust_bytes)
    return path


@pytest.mark.parametrize("options", [[], ["-v"], ["--pixels", "-v"], ["--color", "never"]])
def test_nothing_raw_reaches_a_terminal(delivery: Path, trust: Path, options: list[str]) -> None:
    done = command([delivery, "--trust", trust, *options])
    text = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 4
    assert MARK in text
    assert raw_characters(text) == set()


def test_json_stays_one_document_that_says_what_the_files_say(delivery: Path, trust: Path) -> None:
    done = command([delivery, "--trust", trust, "--json"])
    text = done.stdout.decode("ascii")
    document = json.loads(text)
    assert raw_characters(text) == set()
    assert len(document["files"]) == 10
    assert any(HOSTILE.replace("/", "_") in item["path"] for item in document["files"])
    assert any(HOSTILE in finding["message"] for item in document["files"] for finding in item["findings"])


def test_reports_stay_well_formed_and_carry_nothing_raw(delivery: Path, trust: Path, tmp_path: Path) -> None:
    reports = {name: tmp_path / f"report.{name}" for name in ("junit", "md", "json")}
    asked = [part for name, path in reports.items() for part in ("--report", f"{name}={path}")]
    command([delivery, "--trust", trust, *asked])
    texts = {name: path.read_text() for name, path in reports.items()}
    assert all(raw_characters(text) == set() for text in texts.values())
    cases = ElementTree.fromstring(texts["junit"]).iter("testcase")  # noqa: S314  our own report
    assert len(list(cases)) == 10
    assert json.loads(texts["json"])["summary"]["files"] == 10
    assert "<img" not in texts["md"]
    assert "](javascript" not in texts["md"]
    assert texts["md"].count("\n## ") <= 10
    rows = [line for line in texts["md"].splitlines() if line.startswith("| ")]
    assert len(rows) == 11
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)
