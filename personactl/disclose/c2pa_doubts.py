"""Where the C2PA library is content and a verifier must not be: its report, made stricter. Plain data in and out.

exclusions   a data hash may leave out more than the manifest; whatever lies there can be changed by anybody, the
             picture itself included, and the library only remarks on it
gathered     the signer vouches for the created assertions of a claim and only passes on the gathered ones
             (C2PA 2.4, "Claims"); what says that a file is ours must be vouched for
twice        of two assertions of ours, which one a reader takes is chance
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from personactl.disclose.c2pa_manifest import AI_DISCLOSURE_LABEL, ASSERTION_LABEL

LEFT_OUT = frozenset(f"assertion.{kind}.additionalExclusionsPresent" for kind in ("dataHash", "bmffHash", "boxesHash"))
"""The informational status codes that become failures here."""

_BOXES: tuple[Mapping[str, Any], ...] = (
    {"xpath": "/uuid", "data": [{"offset": 8, "value": "2P7D1hsOSDySl1goh37EgQ=="}]},
    *({"xpath": path} for path in ("/ftyp", "/mfra", "/free", "/skip")),
)
"""What a hash over boxes may leave out: the manifest store, what C2PA 2.4 ("BMFF-based hash") demands, and padding,
which the C2PA library leaves out of its own accord and the walker reports when it follows the picture."""

_VOUCHED = frozenset({ASSERTION_LABEL, AI_DISCLOSURE_LABEL})

Ranges = Sequence[tuple[int, int]]


def doubted(
    report: Mapping[str, Any], *, unhashed: Ranges, detailed: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """The report of c2pa-rs about one file, with what is not believed taken out and what it overlooks put in.

    `unhashed` are the stretches that a data hash of this format must leave out besides a plain manifest store (those
    of a TIFF); `detailed` gives the long form of the report, in which a hash says what it leaves out.

    Raises KeyError, TypeError or AttributeError for a report that does not have the expected form.
    """
    active = report["active_manifest"]
    manifests = {**report["manifests"], active: _vouched(report["manifests"][active])}
    results = report.get("validation_results") or {}
    own = results.get("activeManifest") or {}
    left_out = [item for item in own.get("informational") or [] if item.get("code") in LEFT_OUT]
    if not left_out or _harmless(detailed(), active, unhashed):
        return {**report, "manifests": manifests}
    own = {**own, "failure": [*(own.get("failure") or []), *left_out]}
    results = {**results, "activeManifest": own}
    return {**report, "manifests": manifests, "validation_results": results, "validation_state": "Invalid"}


def _harmless(detailed: Mapping[str, Any], active: str, unhashed: Ranges) -> bool:
    """Whether the hard binding of the active manifest leaves out only what its format must, or what shows nothing."""
    assertions = detailed["manifests"][active]["assertion_store"]
    bindings = [data for label, data in assertions.items() if label.startswith("c2pa.hash.")]
    if len(bindings) != 1:
        return False
    exclusions = bindings[0].get("exclusions") or []
    if not exclusions:  # a hash over the boxes of a picture names what it leaves out in another way
        return False
    if all("xpath" in item for item in exclusions):
        return all(item in _BOXES for item in exclusions)
    return bool(unhashed) and sorted((item["start"], item["length"]) for item in exclusions) == sorted(unhashed)


def _vouched(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without those of our assertions that stand there twice or are gathered.

    Claims before version 2 do not tell the gathered ones apart.
    """
    assertions, version = manifest.get("assertions", []), manifest.get("claim_version", 1)
    count = Counter(item["label"] for item in assertions)
    kept = [
        item
        for item in assertions
        if item["label"] not in _VOUCHED or (count[item["label"]] == 1 and (version < 2 or item.get("created")))
    ]
    return {**manifest, "assertions": kept}
