"""An operator with a ledger and a trust file, and a witness, each run by `python -m personactl` in its own process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger_bench import NOW, ROOM
from personactl_ledger import Draft, Ledger, sign_entry, statement

from personactl.keys import KeySet, create_development, export_trust, load


@dataclass
class Operator:
    """`path` is the ledger, `trust` its trust file."""

    path: Path
    trust: Path
    keyset: KeySet
    origin: str

    @classmethod
    def found(cls, folder: Path) -> Operator:
        folder.mkdir()
        create_development(folder / "keys", organisation="Studio", domain="example.org", now=NOW)
        keyset = load(folder / "keys")
        path, trust = folder / "ledger.sqlite", folder / "trust.json"
        with Ledger.create(
            path, domain="example.org", development=True, root=keyset.root,
            operator_public=keyset.operator.public_key, log=keyset.log, now=NOW,
        ) as ledger:  # fmt: skip
            origin = ledger.origin
        operator = cls(path, trust, keyset, origin)
        operator.export()
        return operator

    def export(self, quorum: int = 0, vkeys: tuple[str, ...] = ()) -> None:
        data = export_trust(self.keyset, name="Studio", origin=self.origin, detector="", now=NOW,
                            witnesses=(quorum, vkeys))  # fmt: skip
        self.trust.write_bytes(data)

    def grow(self, *texts: str) -> int:
        """Append notes and sign a checkpoint; the size."""
        drafts = [Draft(sign_entry(self._note(text), self.keyset.operator)) for text in texts]
        with Ledger.open_writer(self.path) as ledger:
            ledger.append(drafts, now=NOW)
            return ledger.checkpoint(self.keyset.log, now=NOW).size

    def _note(self, text: str) -> bytes:
        return statement("note", subject=("note", "0" * 64), predicate={"origin": self.origin, "text": text})

    def backup(self) -> Path:
        return Path(shutil.copyfile(self.path, self.path.with_name("backup.sqlite")))

    def restore(self, backup: Path) -> None:
        shutil.copyfile(backup, self.path)


def environment() -> dict[str, str]:
    paths = [str(ROOM.parent), str(ROOM), str(ROOM / "vectors"), str(Path(__file__).parent)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def witness(*arguments: object, exit_code: int = 0) -> Any:
    """`personactl ledger witness …  --json` in a process; its document."""
    command = [sys.executable, "-m", "personactl", "ledger", "witness", *map(str, arguments), "--json"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == exit_code, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


@contextmanager
def serving(state: Path, *prefix: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A witness that listens, in a process of its own: (address, process). `prefix` is Python that runs before it."""
    start = "; ".join([*prefix, "from personactl.cli import main", "main()"])
    arguments = ["ledger", "witness", "serve", "--state", str(state), "--port", "0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-c", start, *arguments], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            break
    try:
        yield json.loads(text)["url"], process
    finally:
        process.kill()
        process.communicate()


def pair(folder: Path) -> tuple[Operator, Path]:
    """An operator with one checkpoint over 4 entries, and the folder of a witness that follows the ledger."""
    operator = Operator.found(folder / "studio")
    operator.grow("one")
    witness("new", "--name", "auditor.example/w1", "--state", folder / "auditor")
    witness("log", "add", operator.trust, "--state", folder / "auditor")
    return operator, folder / "auditor"


def vkeys(state: Path) -> tuple[str, ...]:
    """The verifier keys of the witness in a folder."""
    return tuple(json.loads((state / "witness.json").read_text())["vkeys"])


def by(state: Path) -> list[str]:
    """The same as options."""
    return [part for line in vkeys(state) for part in ("--vkey", line)]
