"""Files that people write: bounded reading, TOML and JSON with positions, and tables of keys that check them.

`manifest`, `config`, `persona` and `policy` describe their keys as data (`keys.Section`) and leave reading, checking,
positions and the editor schema to this room. It knows no key of theirs.
"""

from __future__ import annotations

from personactl.document.files import check_no_symlink, read_plain_file
from personactl.document.keys import Key, Section
from personactl.document.problems import ConfigProblems, Fault, PersonaProblems, PolicyProblems
from personactl.document.source import Document, parse_json, parse_toml
from personactl.document.suggest import closest, did_you_mean

__all__ = [
    "ConfigProblems",
    "Document",
    "Fault",
    "Key",
    "PersonaProblems",
    "PolicyProblems",
    "Section",
    "check_no_symlink",
    "closest",
    "did_you_mean",
    "parse_json",
    "parse_toml",
    "read_plain_file",
]
