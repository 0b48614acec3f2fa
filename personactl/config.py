"""personactl.toml: whose project this is, and where its ledger and keys lie.

The file is found upward from a folder. Trust for `verify` never comes from here (`keys.trust_store`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from personactl.document import ConfigProblems, Fault, Key, Section, check_no_symlink, parse_toml, read_plain_file
from personactl.document.kinds import Choice, Ident, InsidePath, Pattern, Several, Text, Version, not_available
from personactl.document.problems import Path as KeyPath
from personactl.document.source import Unparsable
from personactl.errors import ConfigError

FILE_NAME = "personactl.toml"
_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A valid configuration. Paths are absolute (below `project`); `detector` and `contact` may be "".
    `c2pa_tsa` is the address of the time-stamp service for the files' own signatures, "" for none: nothing is asked.
    `trustmark_path` is the folder of TrustMark's weights, None where the project has none."""

    project: Path
    organisation_name: str
    domain: str
    contact: str
    role: Literal["provider", "deployer", "both"]
    ledger_path: Path
    keys_path: Path
    trust_path: Path
    policies: tuple[str, ...]
    detector: str
    c2pa_tsa: str = ""
    trustmark_path: Path | None = None


_FOLDER = InsidePath()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlace:
    """A folder of the project; the URIs of hardware and cloud keys are known and not available yet."""

    @property
    def words(self) -> str:
        return "a folder inside the project"

    def faults(self, value: object, path: KeyPath) -> Iterator[Fault]:
        scheme = re.match(r"(pkcs11|awskms|gcpkms|azurekms|keyring):", value) if isinstance(value, str) else None
        if scheme:
            yield not_available(f"keys at {scheme.group()}…", path)
        else:
            yield from _FOLDER.faults(value, path)

    def schema(self) -> dict[str, Any]:
        later = {"not": {"pattern": "^(?:pkcs11|awskms|gcpkms|azurekms|keyring):"}}
        return {**_FOLDER.schema(), **later}


_DOMAIN = r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
_ORGANISATION = Section(
    name="[organisation]",
    doc="Who stands behind the ledger and the signatures. Public: it appears in delivered files.",
    keys=(
        Key(name="name", kind=Text(most=100, least=1), required=True, doc="Name in certificates and reports."),
        Key(
            name="domain",
            kind=Pattern(regex=_DOMAIN, means="a domain name in lower case", hint="for example example.org"),
            required=True,
            doc="Domain; the ledger's origin begins with it.",
        ),
        Key(name="contact", kind=Text(most=200), doc="Address for questions about a delivered file."),
    ),
)
_C2PA = Section(
    name="[c2pa]",
    doc="The files' own signatures.",
    keys=(
        Key(
            name="tsa",
            kind=Pattern(regex=r"(?:https?://[!-~]{1,400})?", means="an http(s) address"),
            doc="RFC 3161 service that stamps each signature, for certificates that end early (none; no network).",
        ),
    ),
)
_WATERMARK = Section(
    name="[watermark]",
    doc="Watermarks other than the built-in one.",
    keys=(Key(name="trustmark", kind=InsidePath(), doc="Folder of TrustMark's weights, as safetensors (none)."),),
)
CONFIG = Section(
    name=FILE_NAME,
    doc="Configuration of a project.",
    keys=(
        Key(name="schema", kind=Version(value=1), required=True, doc="Version of the file's format."),
        Key(name="role", kind=Choice(now=("provider", "deployer", "both")), doc="Part under the AI Act (both)."),
        Key(name="ledger", kind=InsidePath(), doc="The ledger's file (ledger.sqlite)."),
        Key(name="keys", kind=KeyPlace(), doc="Folder of the project's keys (keys)."),
        Key(name="policies", kind=Several(item=Ident(), most=16), doc="Policies of manifests that name none."),
        Key(
            name="detector",
            kind=Pattern(regex=r"(?:https?://[!-~]{1,400})?", means="an http(s) address"),
            doc="Where the public can have a file checked; written into delivered files.",
        ),
        Key(name="organisation", kind=_ORGANISATION, required=True, doc="Who publishes."),
        Key(name="c2pa", kind=_C2PA, doc="The files' own signatures."),
        Key(name="watermark", kind=_WATERMARK, doc="Watermarks other than the built-in one."),
    ),
)


def find(start: Path) -> Config:
    """The configuration of the project that `start` lies in: the first personactl.toml upward.

    Raises ConfigError config.missing when there is none, ConfigProblems with every problem of a bad one, UsageProblem
    (file.*) when it is a link or not a plain file.
    """
    folder = start.absolute()
    for candidate in (folder, *folder.parents):
        path = candidate / FILE_NAME
        if path.exists() or path.is_symlink():
            return parse(read_plain_file(path, _LIMIT, "configuration"), path=str(path), project=candidate)
    raise ConfigError(
        f"there is no {FILE_NAME} here or in any folder above",
        where=str(start),
        hint="run `personactl init` to set up a project",
        code="config.missing",
    )


def parse(data: bytes, *, path: str, project: Path) -> Config:
    """The configuration in `data` for the project folder `project`. Raises ConfigProblems, UsageProblem (file.*)."""
    try:
        document = parse_toml(data, path=path, room="config", limit=_LIMIT)
    except Unparsable as error:
        raise ConfigProblems(error.problems) from None
    problems = document.problems(CONFIG.faults(document.value))
    if problems:
        raise ConfigProblems(problems)
    value: dict[str, Any] = document.value
    organisation = value["organisation"]
    trustmark = value.get("watermark", {}).get("trustmark")
    config = Config(
        project=project,
        organisation_name=organisation["name"],
        domain=organisation["domain"],
        contact=organisation.get("contact", ""),
        role=value.get("role", "both"),
        ledger_path=project / value.get("ledger", "ledger.sqlite"),
        keys_path=project / value.get("keys", "keys"),
        trust_path=project / "trust.json",
        policies=tuple(value.get("policies", ())),
        detector=value.get("detector", ""),
        c2pa_tsa=value.get("c2pa", {}).get("tsa", ""),
        trustmark_path=None if trustmark is None else project / trustmark,
    )
    check_no_symlink(config.ledger_path, "ledger", beneath=project)
    check_no_symlink(config.keys_path, "keys folder", beneath=project)
    if config.trustmark_path is not None:
        check_no_symlink(config.trustmark_path, "folder of TrustMark's weights", beneath=project)
    return config
