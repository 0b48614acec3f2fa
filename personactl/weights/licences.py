"""Licences of weights, as data: identifier, digest of the text, and whether commercial use is allowed.

`commercial` is None when this table does not know: an unknown licence is never read as permission.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from personactl.model import FileDigest

# Identifiers as model cards and SPDX write them, in lower case. OpenRAIL allows commercial use, with use restrictions.
COMMERCIAL: dict[str, bool] = {
    "apache-2.0": True, "mit": True, "bsd-2-clause": True, "bsd-3-clause": True, "cc0-1.0": True, "cc-by-4.0": True,
    "cc-by-sa-4.0": True, "unlicense": True, "creativeml-openrail-m": True, "openrail": True, "openrail++": True,
    "cc-by-nc-4.0": False, "cc-by-nc-sa-4.0": False, "cc-by-nc-nd-4.0": False,
    "flux-1-dev-non-commercial-license": False, "insightface-non-commercial": False,
}  # fmt: skip
TEXT_NAMES = ("license", "license.txt", "license.md", "licence", "licence.txt", "model.license", "copying")
MAX_CARD_BYTES = 1 << 20
# What is not short and plain is read as unknown, which permits nothing.
_CARD_LINE = re.compile(
    r"^(license|license_name):[ \t]*[\"']?([A-Za-z0-9][\w.+-]{0,63})[\"']?[ \t]*$", re.MULTILINE | re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """`id` is "unknown" and `text_sha256` is "" where the folder says nothing."""

    id: str
    text_sha256: str
    commercial: bool | None


def licence_of(root: Path, files: tuple[FileDigest, ...], declared: str | None = None) -> Licence:
    """The licence of a folder: `declared` by its index, else the `license:` line of the model card's front matter."""
    texts = {file.path.lower(): file.sha256 for file in files}
    text_sha256 = next((texts[name] for name in TEXT_NAMES if name in texts), "")
    identifier = declared or _from_card(root, files) or "unknown"
    return Licence(id=identifier, text_sha256=text_sha256, commercial=COMMERCIAL.get(identifier.lower()))


def _from_card(root: Path, files: tuple[FileDigest, ...]) -> str | None:
    card = next((file for file in files if file.path.lower() == "readme.md" and file.size <= MAX_CARD_BYTES), None)
    if card is None:
        return None
    front = re.match(r"---\n(.*?)\n---\n", (root / card.path).read_text(encoding="utf-8", errors="replace"), re.DOTALL)
    if front is None:
        return None
    fields = dict(_CARD_LINE.findall(front[1]))
    return fields.get("license_name") if fields.get("license") == "other" else fields.get("license")
