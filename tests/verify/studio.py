"""A small studio with real keys, a real ledger and real signed pictures, for tests that then break one thing."""

from __future__ import annotations

import copy
import io
import json
import struct
import zlib
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from personactl_ledger import Draft, Ed25519Signer, Ledger, sign_entry, statement

from personactl import claim_terms, disclose, keys
from personactl.disclose import C2paSigner, c2pa_manifest, exif, png, xmp
from personactl.keys.trust import TrustFile
from personactl.model import Candidate, Disclosed, IdentityRecord, ModelLock, OutputSpec, Scored, Shot

NOW = "2026-11-21T08:00:00Z"
MODEL = ModelLock(
    name="pocket", family="stable-diffusion", backend="diffusers", license="Apache-2.0", license_sha256="11" * 32,
    commercial=True, sha256="22" * 32, files=(), resolution=(192, 192), default_steps=4, default_guidance="2.5",
    default_scheduler="dpmsolver++",
)  # fmt: skip
IDENTITY = IdentityRecord(
    verdict="pass", score="0.9", threshold="0.5", threshold_source="calibrated-pack", calibration_id="c",
    recogniser_sha256="33" * 32, faces_found=1, detector_score="0.99", face_px=64, face_box=None,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One delivered output and what was said about it."""

    data: bytes
    entry_id: str
    index: int
    receipt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    folder: Path
    keyset: keys.KeySet
    ledger_path: Path
    origin: str
    trust_bytes: bytes
    trust: TrustFile
    works: dict[str, Work]

    def deliver(self, folder: Path, name: str = "png", *, receipt: bool = True, called: str | None = None) -> Path:
        """Put one output (and its receipt) into a folder, under `called` or its own name."""
        path = folder / (called or f"shot-0.{name}")
        path.write_bytes(self.works[name].data)
        if receipt:
            path.with_name(path.name + ".receipt").write_bytes(self.works[name].receipt)
        return path


def picture(seed: int, side: int = 192) -> np.ndarray[Any, Any]:
    """A soft gradient with grain, uint8 RGB (side, side, 3)."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(40, 200, side)
    base = ramp[:, None, None] * 0.5 + ramp[None, :, None] * 0.4 + random.uniform(0, 40, 3)
    return np.clip(base + random.normal(0, 6, (side, side, 3)), 0, 255).astype(np.uint8)


def make(folder: Path, *, organisation: str, domain: str, formats: tuple[str, ...], first: int) -> Studio:
    """Keys, ledger, one run with an output of each format, checkpoint, receipts, trust file."""
    keys.create_development(folder / "keys", organisation=organisation, domain=domain, now=NOW)
    keyset = keys.load(folder / "keys")
    path = folder / "ledger.sqlite"
    run_key = Ed25519Signer.generate()
    works: dict[str, Work] = {}
    with Ledger.create(
        path, domain=domain, development=True, root=keyset.root, operator_public=keyset.operator.public_key,
        log=keyset.log, now=NOW,
    ) as ledger:  # fmt: skip
        origin = ledger.origin
        opened = entry("run-open", ("plan", "55" * 32), run_open(origin, run_key), keyset.operator)
        ledger.append([opened], now=NOW)
        made: dict[str, tuple[Disclosed, int]] = {}
        for number, name in enumerate(formats):
            output = output_of(keyset, origin, f"{first + number:02x}" * 16, name, first + number)
            (index,) = ledger.append([output_entry(output, origin, run_key)], now=NOW)
            made[name] = (output, index)
        ledger.checkpoint(keyset.log, now=NOW)
        for name, (output, index) in made.items():
            works[name] = Work(data=output.data, entry_id=output.entry_id, index=index, receipt=ledger.prove(index))
    trust_bytes = keys.export_trust(keyset, name=organisation, origin=origin, detector="", now=NOW)
    return Studio(
        folder=folder, keyset=keyset, ledger_path=path, origin=origin, trust_bytes=trust_bytes,
        trust=keys.trust.parse(trust_bytes, "trust.json"), works=works,
    )  # fmt: skip


def output_of(
    keyset: keys.KeySet, origin: str, entry_id: str, name: str, seed: int, *, side: int = 192,
    watermarker: disclose.Watermarker = disclose.watermark.DEFAULT,
) -> Disclosed:  # fmt: skip
    """One picture through the real disclosure."""
    shot = Shot(
        shot_id="shot", index=0, shot_key="66" * 32, job_key=f"{seed:064x}", base_seed=1, given_seed=False, prompt="p",
        negative="", references=(), width=side, height=side, steps=4, guidance="2.5", scheduler="s", profile="exact",
        file_name=f"shot-0.{name}", alt_text="AI-generated picture of a synthetic person",
    )  # fmt: skip
    candidate = Candidate(
        shot=shot,
        attempt=0,
        seed=1,
        pixels=picture(seed, side),
        pixels_sha256="77" * 32,
        environment={},
        generated_at=NOW,
    )
    spec = OutputSpec(format=name)  # type: ignore[arg-type]
    return disclose.disclose(
        Scored(candidate=candidate, identity=IDENTITY), entry_id=entry_id, output=spec, persona_id="lira",
        persona_version=2, model=MODEL, origin=origin, policies=(), organisation="Studio", detector="",
        signer=C2paSigner(keyset.c2pa), claimed_at=NOW, watermarker=watermarker,
    )  # fmt: skip


def run_open(origin: str, run_key: Ed25519Signer) -> dict[str, Any]:
    public = {"kid": run_key.key_id, "publicKey": b64encode(run_key.public_key).decode()}
    return {
        "origin": origin, "run": "spring-00000000", "planSha256": "55" * 32, "planned": 3, "runKey": public,
        "startedAt": NOW, "started": 1,
    }  # fmt: skip


def output_entry(output: Disclosed, origin: str, run_key: Ed25519Signer, **changes: Any) -> Draft:
    predicate = {
        "origin": origin, "run": "spring-00000000", "entryId": output.entry_id,
        "jobKey": output.scored.candidate.shot.job_key, "persona": {"id": "lira", "version": 2},
        "iscc": output.iscc, "generatedAt": NOW, **changes,
    }  # fmt: skip
    return entry("output", (output.scored.candidate.shot.file_name, output.sha256), predicate, run_key)


def entry(kind: str, subject: tuple[str, str], predicate: dict[str, Any], signer: Any) -> Draft:
    return Draft(leaf=sign_entry(statement(kind, subject=subject, predicate=predicate), signer))


def edited_receipt(receipt: bytes, **changes: Any) -> bytes:
    """The same receipt with some of its top-level values replaced."""
    return json.dumps({**json.loads(receipt), **changes}).encode()


class CarelessSigner(C2paSigner):
    """Signs whatever it is given, also references whose own credential is broken."""

    __slots__ = ()

    def _add_reference(self, builder: Any, label: str, content: bytes) -> None:
        ingredient = {"title": label, "relationship": "inputTo", "label": label}
        builder.add_ingredient(ingredient, "image/png", io.BytesIO(content))


def claim(studio: Studio, entry_id: str = "d1" * 16, **generation: Any) -> dict[str, Any]:
    """The C2PA definition that our own outputs carry, as plain data to be changed by a test."""
    assertion = c2pa_manifest.assertion(
        entry_id=entry_id, persona_id="lira", persona_version=2, origin=studio.origin, policies=(), output=OutputSpec()
    )  # fmt: skip
    return copy.deepcopy(
        c2pa_manifest.definition(title="a.png", created_at=NOW, model=MODEL, generation={**assertion, **generation})
    )


def assertion_data(definition: dict[str, Any], label: str) -> dict[str, Any]:
    """The data of one assertion of a definition, for a test to change in place."""
    (found,) = [item["data"] for item in definition["assertions"] if item["label"] == label]
    return found  # type: ignore[no-any-return]


def without(definition: dict[str, Any], label: str) -> dict[str, Any]:
    kept = [item for item in definition["assertions"] if item["label"] != label]
    return {**definition, "assertions": kept}


def sign(
    studio: Studio,
    definition: dict[str, Any],
    *,
    properties: dict[str, str] | None = None,
    packet: bytes | None = None,
    second_packet: bytes | None = None,
    references: dict[str, bytes] | None = None,
    rgb: np.ndarray[Any, Any] | None = None,
    software: str = "test",
) -> bytes:
    """A PNG under the studio's own key that says whatever the test wants: any claim, any XMP, any pixels."""
    said = {xmp.DIGITAL_SOURCE_TYPE: claim_terms.TRAINED_ALGORITHMIC_MEDIA, "Iptc4xmpExt:DigImageGUID": "d1" * 16}
    said.update(properties or {})
    written = xmp.build({name: value for name, value in said.items() if value}) if packet is None else packet
    block = exif.build(software=software, description="test", created_at=NOW)
    encoded = png.encode(picture(7) if rgb is None else rgb, xmp=written, exif=block)
    if second_packet is not None:
        at = encoded.index(b"IDAT") - 4
        encoded = encoded[:at] + chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + second_packet) + encoded[at:]
    signer = CarelessSigner(studio.keyset.c2pa)
    return signer.sign(definition, "image/png", encoded, references=references).data


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def remote_only(address: str) -> bytes:
    """A PNG without a manifest whose XMP names an address where one is said to be (dcterms:provenance)."""
    packet = xmp.build({"dcterms:provenance": address})
    return png.encode(picture(5), xmp=packet, exif=exif.build(software="test", description="test", created_at=NOW))
