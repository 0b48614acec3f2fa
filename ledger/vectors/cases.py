"""What a case is, and the forged ledgers that several cases start from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forge import Forge, dumps, hex64, signer, tamper

Files = dict[str, str | bytes]
Case = tuple[str, dict[str, Any], Files]
"""Why it is there, its vector.json, its files."""
CASES: dict[str, Callable[[], Case]] = {}


def case(function: Callable[[], Case]) -> Callable[[], Case]:
    """Register a case under its function's name: `ledger_good` makes `ledger-good`, a final `_fail` stays."""
    name = function.__name__
    stem = name.removesuffix("_fail")
    CASES[stem.replace("_", "-") + ("_fail" if name.endswith("_fail") else "")] = function
    return function


def ledger(why: str, forge: Forge, code: str = "", *, exit_code: int = 4, **more: Any) -> Case:
    """A case about a whole file."""
    files: Files = more.pop("files", {})
    if "base" not in more:
        files["ledger.sql"] = forge.dump()
    if more.pop("trusted", True):
        files.setdefault("trust.json", dumps(forge.trust()))
    vector = {"reader": "ledger", "exit": exit_code if code else 0, **({"code": code} if code else {}), **more}
    return why, vector, files


def defect(why: str, sql: str, code: str, *, base: str = "ledger-good") -> Case:
    """A case that changes rows of a good file behind the triggers' back."""
    return ledger(why, good(), code, base=base, files={"defect.sql": tamper(sql)})


def good() -> Forge:
    """Every common kind, two checkpoints."""
    forge = Forge()
    forge.freeze()
    forge.whole_run()
    forge.checkpoint()
    forge.key_add("person", signer("person").public_key)
    said = {"run": "spring-1a2b3c4d", "decision": "approved", "files": [], "decidedAt": "2026-01-02T04:00:00Z"}
    forge.append(forge.say("approval", signer("person"), ("decisions", hex64("decisions")), **said))
    forge.whole_run("spring-1a2b3c4d", "run-again")
    forge.note("the end")
    forge.checkpoint()
    return forge


def started(*, loose: bool = False) -> Forge:
    """One run that is open, with one output at index 4."""
    forge = Forge(loose=loose)
    forge.run_open("spring-1a2b3c4d", signer("run"))
    forge.output("spring-1a2b3c4d", "rain", signer("run"))
    return forge


RUN = "spring-1a2b3c4d"


def finished(why: str, forge: Forge, code: str) -> Case:
    """A case whose last entry breaks a rule, under a right checkpoint."""
    forge.checkpoint()
    return ledger(why, forge, code)


def loose(why: str, forge: Forge, code: str) -> Case:
    """As `finished`, in a file without the unique indexes that would have stopped the entry."""
    forge.checkpoint()
    return ledger(f"{why} The file lacks the indexes that would have prevented it.", forge, "ledger.schema", also=code)
