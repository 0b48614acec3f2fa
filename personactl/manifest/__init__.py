"""The manifest: TOML in, `model.Manifest` out, every problem at once with file, line, column and a suggestion.

manifest.parse(data, path) → Manifest            bytes from anywhere; touches no disk
manifest.load(path, project=…) → Manifest        a plain file below the project, no links, at most 1 MiB
manifest.refusal(manifest, faults)               later stages point at the manifest with the same quality
manifest.json_schema()                           for editors; checked against the validator by a test
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from personactl.document import Document, Fault, check_no_symlink, parse_toml, read_plain_file
from personactl.document.keys import reference
from personactl.document.source import LIMIT, Unparsable
from personactl.errors import ManifestError
from personactl.manifest.build import Role, build
from personactl.manifest.keys import MANIFEST
from personactl.manifest.rules import cross_faults, right_table
from personactl.model import Manifest

__all__ = ["json_schema", "load", "parse", "read_plain_file", "reference_page", "refusal"]


def parse(data: bytes, path: str, *, role: Role = "both") -> Manifest:
    """The manifest in `data`; `role` is that of a campaign that declares none (the project's own, or the strictest).

    Raises ManifestError with every Problem in the order of the text.
    """
    document = _document(data, path)
    faults = chain(map(right_table, MANIFEST.faults(document.value)), cross_faults(document.value))
    problems = document.problems(faults)
    if problems:
        raise ManifestError(problems)
    return build(document.value, path=path, data=data, role=role)


def load(path: Path, *, project: Path, role: Role = "both") -> Manifest:
    """Read and parse a manifest below `project`; its own paths must not lead through links either.

    `role`: as in `parse`; give `config.role`.

    Raises ManifestError, or UsageProblem (file.*) when the file itself is missing, too large or not a plain file.
    """
    data = read_plain_file(path, LIMIT, "manifest", beneath=project)
    manifest = parse(data, str(path), role=role)
    if manifest.model.path != "pocket":
        check_no_symlink(project / manifest.model.path, "model folder", beneath=project)
    return manifest


def refusal(manifest: Manifest, faults: Iterable[Fault]) -> ManifestError:
    """An error about keys of a valid manifest, for stages that know more (sizes, roles, schedulers).

    A fault's code must be whole ("plan.size-unsupported"); its path is that of the key, ("shot", 3, "negative").
    A path that the manifest does not contain points at the nearest table around it.
    """
    return ManifestError(_document(manifest.data, manifest.path).problems(faults))


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the manifest. What it cannot say (clashing ids, missing scenes) only `parse` tells."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:personactl:schema:manifest:1",
        "title": "personactl manifest",
        **MANIFEST.schema(),
    }


def reference_page() -> str:
    """All keys as Markdown, for the documentation."""
    return reference(MANIFEST, title="Manifest")


def _document(data: bytes, path: str) -> Document:
    try:
        return parse_toml(data, path=path, room="manifest")
    except Unparsable as error:
        raise ManifestError(error.problems) from None
