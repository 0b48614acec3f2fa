"""A small ledger with every kind of entry, for views, exports and docs/audit.md. TEST-ONLY keys, always the same.

Two runs of the persona lira@1: one is interrupted and closed by a second start, one delivers a file that is voided. Two
persons approve; the name of one of them was erased. `second` is what only a ledger that goes on from others holds: a
restore, what was taken in, a time stamp.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from ledger_bench import forge
from personactl_ledger import Ed25519Signer, Sealed, seal, sign_entry, statement
from personactl_ledger.encoding import to_base64

import cases_lifecycle  # isort: skip  (its folder is on the path through ledger_bench)
import cases_stamp  # isort: skip

SPRING, SUMMER = "spring-1a2b3c4d", "summer-5e6f7a8b"
PERSONA = {"id": "lira", "version": 1, "recordSha256": forge.hex64("record")}
PERSON = {name: forge.signer(name) for name in ("person", "second person")}
NAMES = {"person": "Ada Example", "second person": "Bo Example"}
RAIN = forge.hex64("file rain")
STANDING = forge.hex64("file snow")


def tell() -> forge.Forge:
    """The whole story, signed by a checkpoint; one entry after it is in no checkpoint."""
    book = forge.Forge()
    people(book)
    persona(book)
    spring(book)
    approvals(book)
    summer(book)
    aftermath(book)
    book.checkpoint()
    cosign(book)
    book.note("later")
    return book


def write(path: Path, book: forge.Forge | None = None) -> Path:
    """The story as a ledger file."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript((book or tell()).dump())
    connection.close()
    return path


def people(book: forge.Forge) -> None:
    for at, (name, key) in enumerate(PERSON.items(), start=1):
        hidden = seal("name", NAMES[name], bytes([at]) * 32)
        said = {"role": "person", "kid": key.key_id, "publicKey": to_base64(key.public_key), "addedAt": time(0, at),
                "sealed": {"name": hidden.commitment}}  # fmt: skip
        say(book, "key-add", book.root, ("key", forge.hex64(name)), said, hidden, at=time(0, at))
    kids = [key.key_id for key in PERSON.values()]
    said = {"version": 1, "approvers": {"threshold": 2, "keys": kids}, "witnesses": None, "setAt": time(0, 5)}
    say(book, "trust", book.root, ("trust", forge.hex64("trust")), said, at=time(0, 5))


def persona(book: forge.Forge) -> None:
    book.freeze(frozenAt=time(1), personaOrigin="synthetic", consentSha256=None)
    said: dict[str, Any] = {"persona": {"id": "lira", "version": 1}, "recogniserSha256": forge.hex64("recogniser"),
                            "detectorSha256": forge.hex64("detector"), "threshold": "0.6", "samples": 240,
                            "calibratedAt": time(1, 10)}  # fmt: skip
    say(book, "calibration", book.operator, ("calibration.json", forge.hex64("calibration")), said)
    said = {"persona": {"id": "lira", "version": 1}, "model": {"name": "lora", "sha256": forge.hex64("lora")},
            "count": 40, "dataSha256": forge.hex64("data"), "trainedAt": time(1, 20)}  # fmt: skip
    say(book, "training", book.operator, ("lora.safetensors", forge.hex64("lora")), said)


def spring(book: forge.Forge) -> None:
    """Interrupted after one picture; the second start makes the others."""
    open_run(book, SPRING, forge.signer("run"), 3, time(2))
    output(book, SPRING, "rain", forge.signer("run"), "0.8131", time(2, 1))
    first = open_run(book, SPRING, forge.signer("run-again"), 3, time(3))
    reject(book, SPRING, "snow-0", forge.signer("run-again"), "0.4710", time(3, 1))
    last = output(book, SPRING, "snow", forge.signer("run-again"), "0.7722", time(3, 2))
    close(book, SPRING, first, last, 3, time(3, 9), done=1, rejected=1, skipped=1, outputs=1, rejects=1)
    book.checkpoint()


def approvals(book: forge.Forge) -> None:
    files = [{"name": f"{name}.png", "sha256": forge.hex64(f"file {name}"), "decision": "approved", "reason": ""}
             for name in ("rain", "snow")]  # fmt: skip
    said = {"run": SPRING, "decision": "approved", "count": 2, "files": files, "reason": "fits the brief",
            "decidedAt": time(4)}  # fmt: skip
    say(book, "approval", list(PERSON.values()), ("decisions", forge.hex64("decisions")), said)
    listed = [{"name": item["name"], "sha256": item["sha256"], "index": index} for item, index in
              zip(files, (10, 13), strict=True)]  # fmt: skip
    said = {"run": SPRING, "count": 2, "files": listed, "approvals": [15], "releasedAt": time(4, 30)}
    say(book, "release", book.operator, ("SHA256SUMS", forge.hex64("sums")), said)


def summer(book: forge.Forge) -> None:
    """One picture that was voided, and nothing else."""
    key = forge.signer("summer run")
    first = open_run(book, SUMMER, key, 1, time(5))
    index = output(book, SUMMER, "beach", key, "0.9002", time(5, 1))
    last = book.void(SUMMER, "beach", key, index)
    close(book, SUMMER, first, last, 1, time(5, 5), done=0, failed=1, outputs=1, rejects=0)


def aftermath(book: forge.Forge) -> None:
    """What happens outside runs."""
    operator = book.operator
    said: dict[str, Any] = {"run": None, "rule": {"policySha256": forge.hex64("policy"), "id": "no-minors"},
                            "reason": "the manifest asks for a child", "refusedAt": time(6)}  # fmt: skip
    say(book, "refusal", operator, ("manifest", forge.hex64("manifest")), said)
    index = book.adopt("found", adoptedAt=time(6, 1), persona={"id": "lira", "version": 1})
    book.withdraw("found", index, withdrawnAt=time(6, 2))
    book.note("=the client called", by=operator)
    said = {"erases": [{"index": 4, "fields": ["name"]}], "basis": "request of the person", "erasedAt": time(7)}
    say(book, "erasure", operator, ("key", forge.hex64("second person")), said)
    book.connection.execute("DELETE FROM sealed WHERE idx = 4")
    said = {"from": {"userVersion": 1}, "to": {"userVersion": 2}, "entries": 7, "migratedAt": time(7, 3)}
    say(book, "migration", operator, ("schema", forge.hex64("schema")), said)
    said = {
        "kid": forge.signer("run").key_id,
        "fromIndex": 11,
        "revokedAt": time(7, 5),
        "reason": "the host was entered",
    }
    say(book, "key-revoke", book.root, ("key", forge.hex64("run key")), said)
    said = {"kid": PERSON["second person"].key_id, "retiredAt": time(7, 6), "reason": "left"}
    say(book, "key-retire", book.root, ("key", forge.hex64("second person")), said)


def cosign(book: forge.Forge) -> None:
    """The line of a witness over the first checkpoint; it is not real, and nobody knows that witness."""
    (size,) = book.connection.execute("SELECT min(size) FROM checkpoint").fetchone()
    line = f"— witness.example {to_base64(bytes(4) + bytes(72))}\n"
    book.connection.execute(
        "INSERT INTO cosignature VALUES (?, 'witness.example', X'00000000', ?, ?)", (size, line, forge.NOW)
    )


def second() -> forge.Forge:
    """A ledger that goes on where another ended, took in entries of a third, and was time-stamped."""
    stamped = cases_stamp.Stamped(forge.Forge(domain="second.example"), begin)
    stamped.keep(cases_stamp.SERVICE.respond(stamped.covered))
    cosign(stamped.forge)
    return stamped.forge


def begin(book: forge.Forge) -> None:
    other = {"origin": "ended.example/personactl/0123456789abcdef", "size": 7, "root": forge.hex64("other root")}
    said = {"restores": other, "reason": "the disk failed", "restoredAt": time(7, 1)}
    say(book, "restore", book.operator, ("checkpoint", forge.hex64("other head")), said)
    third = cases_lifecycle.source_forge()
    first = cases_lifecycle.take(book, third, 0, 4)
    cases_lifecycle.merge(book, third, 4, first, 4)


def say(book: forge.Forge, kind: str, by: Ed25519Signer | list[Ed25519Signer], subject: tuple[str, str],
        said: dict[str, Any], *sealed: Sealed, at: str = forge.NOW) -> int:  # fmt: skip
    signers = by if isinstance(by, list) else [by]
    payload = statement(kind, subject=subject, predicate={"origin": book.origin, **said})
    return book.append(sign_entry(payload, *signers), *sealed)


def open_run(book: forge.Forge, run: str, key: Ed25519Signer, planned: int, at: str) -> int:
    pair = {"kid": key.key_id, "publicKey": to_base64(key.public_key)}
    said = {"run": run, "planSha256": forge.PLAN, "planned": planned, "runKey": pair, "startedAt": at,
            "persona": PERSONA,
            "campaign": {"id": run.split("-")[0], "role": "advertiser", "commercial": True}}  # fmt: skip
    return say(book, "run-open", book.operator, ("plan", forge.PLAN), said)


def output(book: forge.Forge, run: str, name: str, key: Ed25519Signer, score: str, at: str) -> int:
    prompt = seal("prompt", f"{name}, studio", forge.secret(f"salt {name}"))
    identity = {"verdict": "pass", "score": score, "threshold": "0.6", "calibrationId": forge.hex64("calibration")}
    return book.append(
        book.output_leaf(run, name, key, identity=identity, persona=PERSONA, model={"name": "pocket"}, generatedAt=at,
                         sealed={"prompt": prompt.commitment}), prompt)  # fmt: skip


def reject(book: forge.Forge, run: str, name: str, key: Ed25519Signer, score: str, at: str) -> int:
    said = {"run": run, "entryId": forge.hex32(f"id {name}"), "jobKey": forge.hex64(f"job {name}"), "reason": "drift",
            "shot": "snow", "attempt": 0, "persona": PERSONA, "generatedAt": at,
            "identity": {"verdict": "drift", "score": score, "threshold": "0.6"}}  # fmt: skip
    return say(book, "reject", key, ("pixels", forge.hex64(f"pixels {name}")), said)


def close(book: forge.Forge, run: str, first: int, last: int, planned: int, at: str, **counts: int) -> int:
    said = {"run": run, "planSha256": forge.PLAN, "planned": planned, "done": 0, "failed": 0, "rejected": 0,
            "skipped": 0, "firstIndex": first, "lastIndex": last, "closedAt": at, **counts}  # fmt: skip
    return say(book, "run-close", book.operator, ("plan", forge.PLAN), said)


def time(hour: int, minute: int = 0) -> str:
    return f"2026-01-03T{hour:02}:{minute:02}:00Z"
