"""The texts that travel with the program: schema, specification, field list, stand-alone verifier (SPEC 16.6)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

SCHEMA = "schema.sql"
DOCUMENTS = ("SPEC.md", "predicates.md", SCHEMA, "verify_ledger.py")


@cache
def shipped(name: str) -> bytes:
    """The bytes of one of DOCUMENTS: inside the installed package, else beside it in a checkout."""
    here = Path(__file__).resolve().parent
    inside = here / name
    return (inside if inside.is_file() else here.parent / name).read_bytes()
