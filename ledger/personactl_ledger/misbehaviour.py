"""Proof that a log signed two trees that cannot both be (personactl.misbehaviour/1; SPEC 17.5): type, parser, writer,
verification.

    {"schema": "personactl.misbehaviour/1", "origin": "…", "checkpoints": ["<smaller>", "<larger>"],
     "rootAtSmaller": "<base64>", "path": ["<base64>", …]}
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from personactl_ledger.canonical import parse_document
from personactl_ledger.checkpoint import Checkpoint, accept_checkpoint, parse_checkpoint
from personactl_ledger.encoding import from_base64, to_base64
from personactl_ledger.errors import FormatError, LedgerError
from personactl_ledger.merkle import consistent
from personactl_ledger.proof import parse_path
from personactl_ledger.revocation import believed
from personactl_ledger.trust import LedgerTrust

SCHEMA = "personactl.misbehaviour/1"
MAX_BYTES = 1024 * 1024
_KEYS = {"schema", "origin", "checkpoints", "rootAtSmaller", "path"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbehaviour:
    """`smaller` and `larger` are the signed checkpoints; `root_at_smaller` is the root that the tree of `larger` has at
    the size of `smaller`, and `path` the consistency proof for it, empty when the sizes are equal."""

    smaller: Checkpoint
    larger: Checkpoint
    root_at_smaller: bytes
    path: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """JSON in UTF-8, one key a line, ending in a newline."""
        document = {
            "schema": SCHEMA,
            "origin": self.smaller.origin,
            "checkpoints": [self.smaller.note, self.larger.note],
            "rootAtSmaller": to_base64(self.root_at_smaller),
            "path": [to_base64(digest) for digest in self.path],
        }
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()

    @property
    def holds(self) -> bool:
        """Steps 3 and 4 of SPEC 17.5: whether no tree can have both heads. Signatures are not looked at."""
        if self.root_at_smaller == self.smaller.root:
            return False
        return consistent(self.smaller.size, self.larger.size, self.root_at_smaller, self.larger.root, self.path)


def parse_misbehaviour(data: bytes) -> Misbehaviour:
    """Parse strictly (SPEC 17.5 step 1). Raises FormatError (code ledger.misbehaviour)."""
    if len(data) > MAX_BYTES:
        raise _malformed(f"it is longer than {MAX_BYTES} bytes")
    try:
        document = parse_document(data)
        if not isinstance(document, dict) or set(document) != _KEYS or document["schema"] != SCHEMA:
            raise _malformed(f"it has not exactly the keys of {SCHEMA}")
        notes, path = document["checkpoints"], document["path"]
        if not isinstance(notes, list) or len(notes) != 2 or not all(isinstance(note, str) for note in notes):
            raise _malformed("it does not hold two checkpoints")
        if not isinstance(path, list) or not all(isinstance(line, str) for line in path):
            raise _malformed("its path is no list of texts")
        smaller, larger = map(parse_checkpoint, notes)
        root = from_base64(document["rootAtSmaller"])
        found = Misbehaviour(smaller=smaller, larger=larger, root_at_smaller=root, path=parse_path(path))
    except FormatError as error:
        raise error if error.code == "ledger.misbehaviour" else _malformed(error.message) from None
    except LedgerError as error:
        raise _malformed(error.message) from None
    if not smaller.origin == larger.origin == document["origin"] or len(root) != 32:
        raise _malformed("its checkpoints have not its origin, or its root is not 32 bytes")
    if not 0 < smaller.size <= larger.size:
        raise _malformed("its first checkpoint covers nothing, or more entries than the second")
    return found


def verify_misbehaviour(data: bytes, trust: LedgerTrust | None) -> Misbehaviour:
    """Verify offline (SPEC 17.5). Without `trust` nobody knows whose signatures these are.

    Raises FormatError (code ledger.misbehaviour) when it does not hold, LedgerError (code
    ledger.misbehaviour-untrusted, exit 5) when it is about another origin, not signed by log keys that are trusted and
    believed (SPEC 9.1), or no trust was given.
    """
    found = parse_misbehaviour(data)
    if trust is None:
        raise _untrusted("no trust file was given: whose signatures these are was not checked")
    if trust.origin != found.smaller.origin:
        raise _untrusted(f"it is about {found.smaller.origin}, and the trust file is for {trust.origin}")
    for head in (found.smaller, found.larger):
        signers = accept_checkpoint(head, trust.ledger_keys())
        if not signers.accepted:
            raise _untrusted(f"the log keys of the trust file did not sign the checkpoint over {head.size} entries")
        if not believed(head, signers.by, trust.revoked_from()):
            raise _untrusted(f"only a key that is revoked from before it signed that over {head.size} entries")
    if not found.holds:
        raise FormatError(
            "this proves nothing: one tree can have both checkpoints, or the path does not lead to the second",
            code="ledger.misbehaviour",
        )
    return found


def _malformed(reason: str) -> FormatError:
    return FormatError(f"this is not a proof of misbehaviour: {reason}", code="ledger.misbehaviour")


def _untrusted(reason: str) -> LedgerError:
    return LedgerError(
        f"the proof is not by signers that you trust: {reason}",
        hint="bring the trust file of this ledger with --trust",
        code="ledger.misbehaviour-untrusted",
        exit_code=5,
    )
