"""A small ledger with TEST-ONLY keys, and the vectors' forge made importable."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

ROOM = Path(__file__).resolve().parents[2] / "ledger"
sys.path.insert(0, str(ROOM / "vectors"))

import forge  # noqa: E402
from personactl_ledger import Draft, Ed25519Signer, Ledger, LedgerTrust, LogSigner, sign_entry, statement  # noqa: E402
from personactl_ledger.encoding import to_base64  # noqa: E402

NOW = "2026-01-02T03:04:05Z"
PLAN = forge.hex64("plan")


@dataclass
class Bench:
    """A path, keys, and shorthand for drafts."""

    path: Path
    root: Ed25519Signer
    operator: Ed25519Signer
    run: Ed25519Signer
    log: LogSigner
    origin: str = ""

    def create(self) -> Ledger:
        ledger = Ledger.create(
            self.path,
            domain="example.org",
            development=True,
            root=self.root,
            operator_public=self.operator.public_key,
            log=self.log,
            now=NOW,
        )
        self.origin = ledger.origin
        return ledger

    def draft(self, kind: str, by: Ed25519Signer, subject: tuple[str, str] = ("x", PLAN), **said: object) -> Draft:
        payload = statement(kind, subject=subject, predicate={"origin": self.origin, **said})
        return Draft(sign_entry(payload, by))

    def note(self, text: str) -> Draft:
        return self.draft("note", self.operator, text=text)

    def run_open(self, run: str = "r-1", key: Ed25519Signer | None = None, planned: int = 1) -> Draft:
        key = key or self.run
        pair = {"kid": key.key_id, "publicKey": to_base64(key.public_key)}
        said = {"run": run, "planSha256": PLAN, "planned": planned, "runKey": pair, "startedAt": NOW}
        return self.draft("run-open", self.operator, ("plan", PLAN), **said)

    def output(self, name: str, run: str = "r-1", key: Ed25519Signer | None = None, **changed: object) -> Draft:
        said = {"run": run, "entryId": forge.hex32("id " + name), "jobKey": forge.hex64("job " + name)} | changed
        return self.draft("output", key or self.run, (f"{name}.png", forge.hex64("file " + name)), **said)

    def void(self, name: str, index: int, **changed: object) -> Draft:
        said = {"run": "r-1", "entryId": forge.hex32("id " + name), "jobKey": forge.hex64("job " + name)}
        said |= {"voids": index, "reason": "lost"} | changed
        return self.draft("void", self.run, (f"{name}.png", forge.hex64("file " + name)), **said)

    def trust(self) -> LedgerTrust:
        return LedgerTrust(self.origin, self.log.vkeys(self.origin), (self.root.public_key,))
