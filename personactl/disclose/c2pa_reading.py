"""The reader's report on a file → what its active manifest says and how it stands. Plain data in, plain data out.

The library calls a file Trusted while a picture that went in was altered, and Valid when the file's own signer is
accepted and that of an ingredient is not. So the codes of the file itself and those of everything that went in are kept
apart, the latter from all places where the library puts them: what was found when the ingredient was added, what is
found now, and both again for the ingredients of ingredients.

The report has been through `c2pa_doubts`, which leaves no assertion of ours that stands twice. The actions are those of
every actions assertion in the order of the claim (C2PA 2.4, "Actions": the first one holds created or opened).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from personactl.claim_terms import METADATA_SOURCE_TYPE
from personactl.disclose import cose
from personactl.disclose.c2pa_manifest import ACTIONS_LABEL, AI_DISCLOSURE_LABEL, ASSERTION_LABEL

State = Literal["Trusted", "Valid", "Invalid", "Absent", "Remote", "Unreadable"]
"""The library's three verdicts; no manifest; a manifest that is only named by an address; nothing that parses."""

UNTRUSTED = "signingCredential.untrusted"
EXPIRED = "signingCredential.expired"
_TRUSTED = "signingCredential.trusted"
_ACTIONS_LABELS = (ACTIONS_LABEL, "c2pa.actions")
"""c2pa-rs gives a claim of version 1 the newer label when it signs; other vendors' older files carry the old one."""
_SUCCESS = re.compile(r"\.(?:match|validated|trusted|insideValidity|accessible|notRevoked)$")
"""How success codes end (C2PA 2.4, "Validation status codes"); older claims list them beside failures."""
_IDENTITY = "cawg."
"""Codes of identity assertions (CAWG): who else stands by the content, under trust lists of their own, which nobody
gives here. Not accepting one is no fault of the file; the assertion itself is under the claim's signature."""
_METADATA = ("c2pa.metadata", "cawg.metadata", "stds.iptc")
_LONGEST_TYPE = 200
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class C2paReading:
    """What the active manifest of a file says and how it stands. Strings are those of the file: escape before printing.

    `failures` holds the failure codes of the active manifest, `ingredient_failures` those of everything that went in,
    however deep; `informational` the codes of both that are neither success nor failure, and those of identity
    assertions. `signer_accepted`: the chain of the active manifest leads to one of the anchors, whatever is wrong with
    an ingredient. `assertion` is `org.personactl.generation`, `leaf_sha256` the certificate that signed (hex, "" when
    unclear), `signed_at` the time of a time-stamp, "" without one; `metadata_source_types` is what
    metadata assertions name.
    """

    state: State
    failures: tuple[str, ...] = ()
    ingredient_failures: tuple[str, ...] = ()
    informational: tuple[str, ...] = ()
    signer_accepted: bool = False
    active_label: str = ""
    title: str = ""
    generator: str = ""
    actions: tuple[Mapping[str, Any], ...] = ()
    assertion: Mapping[str, Any] | None = None
    ai_disclosure: Mapping[str, Any] | None = None
    metadata_source_types: tuple[str, ...] = ()
    ingredients: int = 0
    issuer: str = ""
    signed_at: str = ""
    leaf_sha256: str = ""
    manifest_sha256: str = ""
    error: str = ""

    @property
    def sound(self) -> bool:
        """Whether the signer is accepted and nothing is wrong but, perhaps, who signed a picture that went in."""
        return self.signer_accepted and not self.failures and set(self.ingredient_failures) <= {UNTRUSTED}

    @property
    def fault(self) -> str:
        """Why the file must not go into another one, "" when it may: without a credential, or with a whole one of
        anybody's. What an altered file would bring along reads as trusted in the file that it went into."""
        if self.state in ("Absent", "Trusted", "Valid"):
            codes = dict.fromkeys((*self.failures, *self.ingredient_failures))
            broken = [code for code in codes if code != UNTRUSTED]
            return f"its own credential is broken ({', '.join(broken)})" if broken else ""
        if self.state == "Remote":
            return "its credential is not in the file, only an address"
        return f"its own credential is {self.state.lower()} ({', '.join(self.failures) or self.error})"

    @property
    def first_action(self) -> str:
        """The first action, "" without one: `c2pa.created` or `c2pa.opened` in a sound manifest."""
        return str(self.actions[0].get("action", "")) if self.actions else ""

    @property
    def digital_source_type(self) -> str:
        """The digitalSourceType of the first action, "" when it has none."""
        return str(self.actions[0].get("digitalSourceType", "")) if self.actions else ""

    @property
    def source_types(self) -> tuple[str, ...]:
        """Every digitalSourceType of the actions, first to last."""
        found = (action.get("digitalSourceType") for action in self.actions)
        return tuple(item for item in found if isinstance(item, str) and item)


def from_document(document: Mapping[str, Any], stores: Sequence[bytes]) -> C2paReading:
    """The reading of the library's JSON report. `stores` are the manifest stores that the container walker found.

    Raises KeyError, TypeError, AttributeError or ValueError for a report that does not have the expected form.
    """
    label = document["active_manifest"]
    manifest = document["manifests"][label]
    assertions = manifest.get("assertions", [])
    signature = manifest.get("signature_info") or {}
    results = document.get("validation_results") or {}
    own = results.get("activeManifest") or {}
    groups = tuple(_ingredient_groups(document))
    return C2paReading(
        state=document["validation_state"],
        failures=_judged(_codes(own.get("failure"))),
        ingredient_failures=_judged(_ingredient_failures(groups, results)) if groups else (),
        informational=_informational((own, *groups)),
        signer_accepted=_TRUSTED in _codes(own.get("success")) and document["validation_state"] != "Invalid",
        active_label=label,
        title=_text(manifest.get("title")),
        generator=_generator(manifest),
        actions=tuple(_actions(assertions)),
        assertion=_data(assertions, ASSERTION_LABEL),
        ai_disclosure=_data(assertions, AI_DISCLOSURE_LABEL),
        metadata_source_types=tuple(_metadata_source_types(assertions)),
        ingredients=len(manifest.get("ingredients", [])),
        issuer=_text(signature.get("issuer")),
        signed_at=_text(signature.get("time")),
        leaf_sha256=cose.leaf_sha256(stores[0], label) if len(stores) == 1 else "",
        manifest_sha256=hashlib.sha256(stores[0]).hexdigest() if len(stores) == 1 else "",
    )


def _judged(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(code for code in codes if not code.startswith(_IDENTITY))


def _informational(groups: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    told = [code for group in groups for code in _codes(group.get("informational"))]
    told += [code for group in groups for code in _codes(group.get("failure")) if code.startswith(_IDENTITY)]
    return tuple(dict.fromkeys(told))


def _codes(items: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(item.get("code", "")) for item in items or []))


def _ingredient_failures(groups: Sequence[Mapping[str, Any]], results: Mapping[str, Any]) -> tuple[str, ...]:
    """Failure codes of everything that went in, without repetition.

    What was found when an ingredient was added stays written there. A signer who was a stranger then and is accepted
    now is told by a success of the delta that names the same signature; nothing else is taken back.
    """
    now = results.get("ingredientDeltas") or []
    accepted = {
        str(item.get("url"))
        for delta in now
        for item in (delta.get("validationDeltas") or {}).get("success") or []
        if item.get("code") == _TRUSTED and item.get("url")
    }
    found = [item for group in groups for item in group.get("failure") or []]
    kept = [item for item in found if not (item.get("code") == UNTRUSTED and str(item.get("url")) in accepted)]
    return _codes(kept)


def _ingredient_groups(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every {success, informational, failure} that is about an ingredient, at any depth."""
    results = document.get("validation_results") or {}
    for delta in results.get("ingredientDeltas") or []:
        yield delta.get("validationDeltas") or {}
    for manifest in document["manifests"].values():
        for ingredient in manifest.get("ingredients", []):
            yield from _recorded(ingredient, 0)


def _recorded(ingredient: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """What was recorded about one ingredient when it was added; `validation_status` is the form of older claims."""
    if depth > _MAX_DEPTH:
        raise ValueError("ingredients are nested too deep")
    results = ingredient.get("validation_results") or {}
    yield results.get("activeManifest") or {}
    for delta in results.get("ingredientDeltas") or []:
        yield delta.get("validationDeltas") or {}
    older = ingredient.get("validation_status") or []
    yield {"failure": [item for item in older if not _SUCCESS.search(str(item.get("code", "")))]}
    for nested in ingredient.get("ingredients") or []:
        yield from _recorded(nested, depth + 1)


def _generator(manifest: Mapping[str, Any]) -> str:
    """Name and version of what made the claim; older claims have a single string for it."""
    generators = manifest.get("claim_generator_info") or []
    first = generators[0] if generators and isinstance(generators[0], Mapping) else {}
    named = f"{_text(first.get('name'))} {_text(first.get('version'))}".strip()
    return named or _text(manifest.get("claim_generator"))


def _actions(assertions: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for item in assertions:
        if item["label"] in _ACTIONS_LABELS:
            for action in (item.get("data") or {}).get("actions") or []:
                yield action if isinstance(action, Mapping) else {}


def _data(assertions: Sequence[Mapping[str, Any]], label: str) -> Mapping[str, Any] | None:
    data = next((item.get("data") for item in assertions if item["label"] == label), None)
    return data if isinstance(data, dict) else None


def _metadata_source_types(assertions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What metadata assertions, of C2PA, CAWG or IPTC, name as the source type."""
    for item in assertions:
        data = item.get("data")
        if item["label"].startswith(_METADATA) and isinstance(data, dict):
            said = data.get(METADATA_SOURCE_TYPE)
            if said is not None:
                yield said if isinstance(said, str) else str(said)[:_LONGEST_TYPE]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
