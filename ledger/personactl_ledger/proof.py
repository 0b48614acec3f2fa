"""Inclusion proofs as text (C2SP tlog-proof v1; SPEC 8.2): type, strict parser, writer.

c2sp.org/tlog-proof@v1
index 73
<base64 of each hash of the path, the leaf's sibling first>
<empty line>
<the checkpoint, verbatim>
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from personactl_ledger.checkpoint import Checkpoint, parse_checkpoint
from personactl_ledger.encoding import from_base64, to_base64
from personactl_ledger.errors import FormatError

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PATH = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """`path` holds 32-byte hashes, the leaf's sibling first."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint

    def __str__(self) -> str:
        lines = [HEADER, f"index {self.index}", *(to_base64(digest) for digest in self.path), ""]
        return "\n".join(lines) + "\n" + self.checkpoint.note


def parse_proof(text: str) -> TlogProof:
    """Parse strictly. A personactl proof carries no `extra` line: nothing in it would be authenticated.

    Raises FormatError (code ledger.proof-malformed, or that of the checkpoint).
    """
    head, separator, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines[0] != HEADER or len(lines) < 2:
        raise _malformed("it does not begin with its two header lines")
    match = _INDEX.fullmatch(lines[1])
    if match is None:
        raise _malformed("the second line is not “index N”")
    return TlogProof(index=int(match[1]), path=parse_path(lines[2:]), checkpoint=parse_checkpoint(checkpoint))


def parse_path(lines: list[str]) -> tuple[bytes, ...]:
    """Up to 63 hashes in base64, one each. Raises FormatError."""
    if len(lines) > MAX_PATH:
        raise _malformed(f"its path is longer than {MAX_PATH} hashes")
    path = []
    for line in lines:
        try:
            digest = from_base64(line)
        except FormatError:
            digest = b""
        if len(digest) != 32:
            raise _malformed("a line of the path is not the base64 of 32 bytes")
        path.append(digest)
    return tuple(path)


def _malformed(reason: str) -> FormatError:
    return FormatError(f"this is not an inclusion proof: {reason}", code="ledger.proof-malformed")
