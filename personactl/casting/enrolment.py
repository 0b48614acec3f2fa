"""Enrol the reference pictures of a version that is not frozen: each gets a credential, the record what was found.

A signed copy is written beside the picture as it came, which stays. Order: the copies, each whole and durable, then the
record, replaced whole. A crash in between leaves copies that no record names; enrolling again makes new ones. Nothing
is done twice: a picture that has a credential and its marks is passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from personactl import persona as personas
from personactl.config import Config
from personactl.disclose import C2paSigner, Enrolled, enrol_picture
from personactl.errors import DisclosureError, PersonaError
from personactl.keys import KeySet, moments, project_trust
from personactl.keys.moments import Moment
from personactl.model import Finding, Persona, Reference

_MOST_MARKS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """`persona` is the version as it is now; `signed` and `kept` are paths of references, as the record names them."""

    persona: Persona
    signed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def enrol(config: Config, keyset: KeySet, persona: Persona, *, now: Moment) -> Enrolment:
    """Enrol every reference of `persona` that is not enrolled yet, and update the record.

    Raises PersonaError (persona.frozen; c2pa.* naming the picture, when one cannot be enrolled: then nothing was
    written), KeyProblem, ConflictError, StorageError, and as `persona.load`.
    """
    if persona.frozen:
        raise PersonaError(
            f"persona {persona.id}@{persona.version} is frozen",
            hint=f"make the next version: personactl persona new {persona.id} --from {persona.id}@{persona.version}",
            code="persona.frozen",
        )
    if not persona.references:
        return Enrolment(persona=persona)
    roots = project_trust.tsa_roots(config.trust_path)
    signer = C2paSigner(keyset.c2pa, ta_url=config.c2pa_tsa, tsa_roots=roots)
    work = _Work(config=config, persona=persona, signer=signer, at=moments.read(now))
    rows = [
        work.row(row, reference)
        for row, reference in zip(persona.record["references"], persona.references, strict=True)
    ]
    if rows != persona.record["references"]:
        persona = personas.update(config.project, persona, {**persona.record, "references": rows}, work.files)
    return Enrolment(persona=persona, signed=tuple(work.signed), kept=tuple(work.kept), findings=tuple(work.findings))


@dataclass(slots=True, kw_only=True)
class _Work:
    """One enrolment of one version, and what came of it so far."""

    config: Config
    persona: Persona
    signer: C2paSigner
    at: str
    files: dict[str, bytes] = field(default_factory=dict)
    signed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def row(self, row: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
        """The row of the record for one reference, enrolled."""
        data = personas.reference_data(self.config.project, self.persona, reference)
        done = self._enrol(data, reference, declared=row.get("digitalSourceType", ""))
        if done.foreign:
            self.findings.append(_foreign(reference.path, done.foreign))
        if not done.signed:
            self.kept.append(reference.path)
            return {**row, "marks": row.get("marks") or list(done.marks)}
        digest = hashlib.sha256(done.data).hexdigest()
        path = PurePosixPath(reference.path)
        copy = str(path.with_name(f"{path.stem}.signed-{digest[:8]}{path.suffix}"))
        self.files[copy] = done.data
        self.signed.append(copy)
        return {
            **row,
            "path": copy,
            "sha256": digest,
            "marks": list(dict.fromkeys((*row.get("marks", ()), *done.marks)))[:_MOST_MARKS],
            "originalPath": reference.path,
            "originalSha256": reference.sha256,
        }

    def _enrol(self, data: bytes, reference: Reference, *, declared: str) -> Enrolled:
        try:
            return enrol_picture(data, self.signer, declared=declared, at=self.at, longest=personas.PHRASE_LENGTH)
        except DisclosureError as error:
            where = f"{self.persona.id}@{self.persona.version} {reference.path}"
            raise PersonaError(error.message, where=where, hint=error.hint, code=error.code) from None


def _foreign(path: str, issuer: str) -> Finding:
    return Finding(
        code="c2pa.reference-foreign",
        severity="warning",
        message=f"the credential of {path} (signed by {issuer}) is not the project's own, and goes into every file "
        "made of it: whoever verifies those must accept its signer as well",
        hint="tell the receivers which signer it is, or use a reference of your own",
    )
