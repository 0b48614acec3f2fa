"""Building ledgers for test vectors, right ones and wrong ones. Every key here is TEST-ONLY and made from its name.

`Forge` appends without asking the rules, so that a wrong entry gets a right tree and a right checkpoint around it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from personactl_ledger import Ed25519Signer, LogSigner, Sealed, key_add_leaf, parse_entry, seal, sign_entry
from personactl_ledger.canonical import canonical_bytes
from personactl_ledger.checkpoint import sign_checkpoint
from personactl_ledger.encoding import to_base64
from personactl_ledger.envelope import EnvelopeSignature, pae, write_envelope
from personactl_ledger.founding import genesis_leaf
from personactl_ledger.growth import Growth
from personactl_ledger.keyring import Keyring
from personactl_ledger.merkle import leaf_hash
from personactl_ledger.proving import prove
from personactl_ledger.rules import origin_of
from personactl_ledger.schema import schema_sql
from personactl_ledger.statement import statement
from personactl_ledger.store import Store

NOW = "2026-01-02T03:04:05Z"
DOMAIN = "vectors.example"
PLAN = hashlib.sha256(b"plan").hexdigest()


def secret(name: str) -> bytes:
    """32 bytes that everybody knows."""
    return hashlib.sha256(b"personactl TEST-ONLY key " + name.encode()).digest()


def signer(name: str) -> Ed25519Signer:
    """A TEST-ONLY signer."""
    return Ed25519Signer(Ed25519PrivateKey.from_private_bytes(secret(name)))


def log_signer(name: str = "log", mldsa: Any = None) -> LogSigner:
    """A TEST-ONLY ledger key."""
    return LogSigner(Ed25519PrivateKey.from_private_bytes(secret(name)), mldsa)


def hex32(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def hex64(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class Forge:
    """One ledger in memory. Methods that make leaves also append them, unless they say otherwise."""

    def __init__(self, *, log: LogSigner | None = None, domain: str = DOMAIN, loose: bool = False,
                 second_root: Ed25519Signer | None = None):  # fmt: skip
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(schema_sql())
        if loose:  # the shipped schema stops some wrong entries by itself; a hand-made file need not
            for index in ("entry_entry_id", "entry_voids", "entry_certifies"):
                self.connection.execute(f"DROP INDEX {index}")
        self.store = Store(self.connection)
        self.growth = Growth.load(self.store)
        self.log = log or log_signer()
        self.root, self.operator = signer("root"), signer("operator")
        self.second_root = second_root
        ledger_id = bytes.fromhex(hex32("ledger " + domain))
        genesis = genesis_leaf(domain=domain, development=True, root=self.root, now=NOW, ledger_id=ledger_id,
                               more_roots=self._more_roots(), root_threshold=2 if second_root else None)  # fmt: skip
        self.origin = origin_of(parse_entry(genesis))
        self.append(genesis)
        self.key_add("operator", self.operator.public_key)
        self.key_add("ledger", self.log.public_key, vkeys=self.log.vkeys(self.origin))

    # --- appending ---------------------------------------------------------------------------------------------------

    def append(self, leaf: bytes, *sealed: Sealed, at: str = NOW) -> int:
        """Append a leaf that parses, whatever the rules would say of it."""
        index = self.growth.frontier.size
        entry = parse_entry(leaf)
        self.store.insert(index, entry, at)
        self.store.insert_sealed(index, sealed)
        self.growth.append(entry.leaf_hash, self.store)
        return index

    def _more_roots(self) -> list[Ed25519Signer]:
        return [self.second_root] if self.second_root else []

    def append_later(self, kind: str, version: int, by: Ed25519Signer) -> int:
        """Append an entry of a kind or version that this program does not have."""
        payload = canonical_bytes(
            {
                "_type": "https://in-toto.io/Statement/v1",
                "predicate": {"origin": self.origin, "run": "spring-1a2b3c4d", "said": "something new"},
                "predicateType": f"urn:personactl:predicate:{kind}:{version}",
                "subject": [{"name": "thing", "digest": {"sha256": hex64("thing"), "sha512": hex64("wide") * 2}}],
            }
        )
        entry = parse_entry(sign_entry(payload, by), later=True)
        index = self.growth.frontier.size
        self.store.insert(index, entry, NOW)
        self.growth.append(entry.leaf_hash, self.store)
        return index

    def append_raw(self, leaf: bytes, kind: str) -> int:
        """Append bytes that do not parse, with columns that look likely."""
        index = self.growth.frontier.size
        self.connection.execute(
            "INSERT INTO entry"
            " (idx, leaf_hash, kind, subject_name, subject_sha256, key_id, appended_at, statement, leaf)"
            " VALUES (?, ?, ?, 'x', ?, 'x', ?, '{}', ?)",
            (index, leaf_hash(leaf), kind, hex64("x"), NOW, leaf),
        )
        self.growth.append(leaf_hash(leaf), self.store)
        return index

    def say(self, kind: str, by: Ed25519Signer, subject: tuple[str, str], **predicate: Any) -> bytes:
        """A signed leaf that is not appended."""
        return sign_entry(statement(kind, subject=subject, predicate={"origin": self.origin, **predicate}), by)

    def key_add(self, role: str, public: bytes, *, vkeys: tuple[str, ...] = (), by: Ed25519Signer | None = None) -> int:
        return self.append(
            key_add_leaf(
                origin=self.origin,
                role=role,
                public_key=public,
                root=by or self.root,
                now=NOW,
                vkeys=vkeys,
                more_roots=self._more_roots(),
            )
        )

    def run_open(self, run: str, key: Ed25519Signer, *, planned: int = 2, by: Ed25519Signer | None = None) -> int:
        pair = {"kid": key.key_id, "publicKey": to_base64(key.public_key)}
        said = {"run": run, "planSha256": PLAN, "planned": planned, "runKey": pair, "startedAt": NOW}
        return self.append(self.say("run-open", by or self.operator, ("plan", PLAN), **said))

    def output_leaf(self, run: str, name: str, key: Ed25519Signer, **changed: Any) -> bytes:
        said = {
            "run": run,
            "entryId": hex32("id " + name),
            "jobKey": hex64("job " + name),
            "shot": name,
            "index": 0,
            "attempt": 0,
            "seed": "1234",
            "persona": {"id": "lira", "version": 1, "recordSha256": hex64("record")},
            "identity": {"verdict": "pass", "score": "0.81", "threshold": "0.6"},
            "generatedAt": NOW,
        }
        return self.say("output", key, (f"{name}.png", hex64("file " + name)), **(said | changed))

    def output(self, run: str, name: str, key: Ed25519Signer, **changed: Any) -> int:
        return self.append(self.output_leaf(run, name, key, **changed))

    def reject(self, run: str, name: str, key: Ed25519Signer) -> int:
        said = {"run": run, "entryId": hex32("id " + name), "jobKey": hex64("job " + name), "reason": "drift"}
        return self.append(self.say("reject", key, ("pixels", hex64("pixels " + name)), **said))

    def void(self, run: str, name: str, key: Ed25519Signer, voids: int, **changed: Any) -> int:
        said = {"run": run, "entryId": hex32("id " + name), "jobKey": hex64("job " + name), "voids": voids}
        said["reason"] = "the file was lost"
        return self.append(self.say("void", key, (f"{name}.png", hex64("file " + name)), **(said | changed)))

    def run_close(self, run: str, first: int, last: int, outputs: int, rejects: int, **changed: Any) -> int:
        said = {"run": run, "planSha256": PLAN, "planned": 2, "done": 1, "failed": 0, "rejected": 1, "skipped": 0}
        said |= {"outputs": outputs, "rejects": rejects, "firstIndex": first, "lastIndex": last, "closedAt": NOW}
        return self.append(self.say("run-close", self.operator, ("plan", PLAN), **(said | changed)))

    def note(self, text: str, *, at: str = NOW, by: Ed25519Signer | None = None) -> int:
        leaf = self.say("note", by or self.operator, ("note", hex64(text)), text=text, notedAt=NOW)
        return self.append(leaf, at=at)

    def freeze(self, **changed: Any) -> int:
        """A persona-freeze with a sealed name whose salt is known."""
        name = seal("name", "Lira", bytes(32))
        said = {"persona": {"id": "lira", "version": 1, "parent": None}, "recordSha256": hex64("record")}
        said |= {"references": [], "sealed": {"name": name.commitment}, "frozenAt": NOW, **changed}
        return self.append(self.say("persona-freeze", self.operator, ("persona.json", hex64("record")), **said), name)

    def adopt(self, name: str, **changed: Any) -> int:
        said = {"entryId": hex32("id " + name), "generator": {"name": "elsewhere", "statement": "x"}, "adoptedAt": NOW}
        return self.append(
            self.say("adoption", self.operator, (f"{name}.png", hex64("file " + name)), **(said | changed))
        )

    def withdraw(self, name: str, index: int, **changed: Any) -> int:
        said = {"entryId": hex32("id " + name), "withdraws": index, "reason": "no licence", "withdrawnAt": NOW}
        return self.append(
            self.say("withdrawal", self.operator, (f"{name}.png", hex64("file " + name)), **(said | changed))
        )

    def whole_run(self, run: str = "spring-1a2b3c4d", key: str = "run") -> None:
        """open, output, reject, output, void of the first, close."""
        by = signer(key)
        first = self.run_open(run, by)
        voided = self.output(run, f"{key}-rain", by)
        self.reject(run, f"{key}-snow-0", by)
        self.output(run, f"{key}-snow-1", by)
        last = self.void(run, f"{key}-rain", by, voided)
        self.run_close(run, first, last, 2, 1)

    def checkpoint(
        self, *, log: LogSigner | None = None, root: bytes | None = None, more: tuple[LogSigner, ...] = ()
    ) -> str:
        """Sign and store the tree as it is; returns the note."""
        head = root or self.growth.frontier.root()
        signed = sign_checkpoint(self.origin, self.growth.frontier.size, head, log or self.log, *more, now=NOW)
        self.store.insert_checkpoint(signed, NOW)
        return signed.note

    # --- handing out -------------------------------------------------------------------------------------------------

    def receipt(self, index: int) -> bytes:
        keyring = Keyring()
        for place, leaf in self.store.root_entries():
            keyring.record(place, parse_entry(leaf))
        return prove(self.store, keyring, index, ()).to_bytes()

    def trust(self, **changed: Any) -> dict[str, Any]:
        """The ledger part of a trust file."""
        return {
            "schema": "personactl.trust/1",
            "name": "TEST-ONLY vectors",
            "origin": self.origin,
            "development": True,
            "logKeys": list(self.log.vkeys(self.origin)),
            "rootKeys": [to_base64(self.root.public_key)],
            "tsaRoots": [],
            "issuedAt": NOW,
            **changed,
        }

    def dump(self) -> str:
        """The whole file as SQL text: `sqlite3 ledger.sqlite < ledger.sql` makes it."""
        pragmas = "PRAGMA application_id = 0x504C4731;\nPRAGMA user_version = 1;\nPRAGMA foreign_keys = OFF;\n"
        return pragmas + "\n".join(self.connection.iterdump()) + "\n"


def wrong_signature(payload: bytes, kid: str, by: Ed25519Signer) -> bytes:
    """An envelope that names one key and is signed by another."""
    return write_envelope(payload, [EnvelopeSignature(kid, by.sign(pae(payload)))])


def raw_envelope(payload: bytes, by: Ed25519Signer) -> bytes:
    """A signed envelope around any bytes."""
    return write_envelope(payload, [EnvelopeSignature(by.key_id, by.sign(pae(payload)))])


def tamper(sql: str) -> str:
    """SQL that gets past the append-only triggers and puts them back, word for word."""
    objects = [line for line in _triggers() if re.search(rf"\b{line[1]}\b", sql)]
    drops = "".join(f"DROP TRIGGER {name};\n" for name, _, _ in objects)
    return drops + sql + "".join(f"{text};\n" for _, _, text in objects)


def _triggers() -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema_sql())
    rows = connection.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    found = [(str(a), str(b), str(c)) for a, b, c in rows]
    connection.close()
    return found


def dumps(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def load_export(folder: Path, target: Path) -> Path:
    """Put the files of an export vector below `target`; returns what a reader is given."""
    vector = json.loads((folder / "vector.json").read_text(encoding="utf-8"))
    target.mkdir()
    for source in [folder.parent / vector["base"], folder] if "base" in vector else [folder]:
        shutil.copytree(source / "export", target, dirs_exist_ok=True) if (source / "export").exists() else None
    for name in vector.get("remove", []):
        (target / name).unlink()
    return target / vector["path"]


def load(folder: Path, target: Path) -> Path:
    """Make the SQLite file of a ledger vector at `target`."""
    vector = json.loads((folder / "vector.json").read_text(encoding="utf-8"))
    base = folder.parent / vector["base"] if "base" in vector else folder
    connection = sqlite3.connect(target, isolation_level=None)
    connection.executescript((base / "ledger.sql").read_text(encoding="utf-8"))
    if "base" in vector:
        connection.executescript((folder / "defect.sql").read_text(encoding="utf-8"))
    connection.close()
    return target
