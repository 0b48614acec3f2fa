"""The pages say what the code does: kinds, fields, codes, clauses; and the package imports lightly."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ledger_bench import ROOM
from personactl_ledger.predicates import FIELDS, KINDS
from personactl_ledger.schema import expected_objects

PACKAGE = ROOM / "personactl_ledger"
SPEC = (ROOM / "SPEC.md").read_text(encoding="utf-8")
PREDICATES = (ROOM / "predicates.md").read_text(encoding="utf-8")


def test_the_table_of_kinds_is_the_one_in_the_code() -> None:
    table = re.findall(r"^\| (root|operator|run|person) \| (.+) \|$", SPEC, re.MULTILINE)
    assert {kind: role for role, kinds in table for kind in kinds.split(", ")} == KINDS


def test_the_marked_fields_are_those_that_rules_read() -> None:
    sections = re.split(r"^\*\*([a-z-]+)\*\*", PREDICATES, flags=re.MULTILINE)
    described = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert set(described) == set(KINDS)
    for kind, text in described.items():
        text = text.split("\n## ")[0]
        marked = set()
        for names in re.findall(r"((?:[a-zA-Z0-9]+, )*[a-zA-Z0-9]+) ●", text):
            marked |= set(names.split(", "))
        known = {"vkeys", "origin", "rootThreshold"}
        assert marked - known == set(FIELDS.get(kind, ())), kind


def test_every_clause_that_the_code_cites_exists() -> None:
    clauses = set(re.findall(r"^(?:\d+\. )?\*\*(\d+\.\d+)\*\*", SPEC, re.MULTILINE))
    clauses |= set(re.findall(r"^## (\d+) ", SPEC, re.MULTILINE))
    cited: dict[str, Path] = {}
    for path in [*PACKAGE.glob("*.py"), ROOM / "verify_ledger.py", ROOM / "schema.sql"]:
        text = path.read_text(encoding="utf-8")
        for group in re.findall(r"SPEC ((?:\d+(?:\.\d+)?(?:, | to | and )?)+)", text):
            cited |= dict.fromkeys(re.findall(r"\d+(?:\.\d+)?", group), path)
    assert len(cited) > 20
    assert {clause: path.name for clause, path in cited.items() if clause not in clauses} == {}


def test_the_schema_is_found_and_has_its_tables_and_views() -> None:
    names = {name for kind, name in expected_objects() if kind == "table"}
    assert names == {"entry", "tile", "checkpoint", "cosignature", "timestamp", "sealed"}
    for _, name in [key for key in expected_objects() if key[0] == "view"]:
        assert name.startswith("v_")


def test_importing_the_ledger_imports_nothing_heavy() -> None:
    script = "import sys, personactl_ledger; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "personactl_ledger" in loaded
    assert not loaded & {"personactl", "sqlite_utils", "click", "numpy", "torch", "PIL", "c2pa", "rich"}
