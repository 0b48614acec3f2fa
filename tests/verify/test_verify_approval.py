"""Approvals: `verify` says what the ledger's own rule says, by whom, and fails on a rejection or a missing one."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import studio
from personactl_ledger import Draft, Ed25519Signer, Ledger, approvals, key_add_leaf
from studio import Studio

from personactl.keys.trust import TrustFile
from personactl.verdict import Verdict
from personactl.verify import verify_file
from personactl.verify.ledger_source import LedgerSource

ANN, BOB, CAT = (Ed25519Signer.generate() for _ in range(3))
BY_TABLE = "SELECT max(idx) FROM entry NOT INDEXED WHERE kind = 'approval'"
BY_INDEX = "SELECT max(idx) FROM entry INDEXED BY entry_kind WHERE kind = 'approval'"
BOTH = (2, (ANN.public_key, BOB.public_key))


@pytest.fixture
def signed_off(ours: Studio, tmp_path: Path) -> Path:
    """A copy of the studio's ledger in which three persons are enrolled."""
    path = tmp_path / "ledger.sqlite"
    shutil.copy(ours.ledger_path, path)
    with writing(ours, path) as ledger:
        for person in (ANN, BOB, CAT):
            leaf = key_add_leaf(
                origin=ours.origin, role="person", public_key=person.public_key, root=ours.keyset.root, now=studio.NOW
            )
            ledger.append([Draft(leaf)], now=studio.NOW)
    return path


@contextmanager
def writing(ours: Studio, path: Path) -> Iterator[Ledger]:
    with Ledger.open_writer(path) as ledger:
        yield ledger
        ledger.checkpoint(ours.keyset.log, now=studio.NOW)


def say(ours: Studio, path: Path, decision: str, *people: Ed25519Signer, sha256: str = "") -> int:
    """One approval entry each, about the delivered PNG; the index of the last."""
    with writing(ours, path) as ledger:
        about = sha256 or ledger.entry(ours.works["png"].index).entry.subject_sha256
        words = [
            {"origin": ours.origin, "decision": decision, "decidedAt": studio.NOW,
             "files": [{"sha256": about, "name": "shot-0.png", "decision": decision, "reason": f"word {number}"}]}
            for number in range(len(people))
        ]  # fmt: skip
        pairs = zip(words, people, strict=True)
        drafts = [studio.entry("approval", ("decisions", "99" * 32), said, person) for said, person in pairs]
        return ledger.append(drafts, now=studio.NOW)[-1]


def name_approvers(ours: Studio, path: Path, threshold: int, *people: Ed25519Signer) -> None:
    named = {"threshold": threshold, "keys": [person.key_id for person in people]}
    said = {"origin": ours.origin, "version": 1, "approvers": named, "witnesses": None, "setAt": studio.NOW}
    with writing(ours, path) as ledger:
        ledger.append([studio.entry("trust", ("trust", "98" * 32), said, ours.keyset.root)], now=studio.NOW)


def trusting(ours: Studio, approvers: tuple[int, tuple[bytes, ...]] | None = None, **more: object) -> TrustFile:
    return replace(ours.trust, approvers=approvers, **more)  # type: ignore[arg-type]


def judged(ours: Studio, folder: Path, ledger: Path | None, trust: TrustFile, *, required: bool = True) -> Verdict:
    return verify_file(ours.deliver(folder), [trust], ledger=ledger, require_approval=required)


def told(verdict: Verdict) -> tuple[str, int, str, str]:
    """Verdict, exit code, axis, and the message about approvals."""
    codes = ("verify.not-approved", "verify.approved", "verify.rejected")
    messages = [item.message for item in verdict.findings if item.code in codes]
    return verdict.verdict, verdict.exit_code, verdict.axes.approval, " ".join(messages)


def test_one_approver_of_the_trust_file(ours: Studio, signed_off: Path, tmp_path: Path) -> None:
    trust = trusting(ours, (1, (ANN.public_key,)))
    found = told(judged(ours, tmp_path, signed_off, trust))
    assert found == ("fail", 3, "pending", "1 of 1 must approve: no word yet")
    assert told(judged(ours, tmp_path, signed_off, trust, required=False)) == ("pass", 0, "pending", "")
    index = say(ours, signed_off, "approved", ANN)
    found = told(judged(ours, tmp_path, signed_off, trust))
    assert found == ("pass", 0, "approved", f"1 of 1 must approve: {ANN.key_id} approved by entry #{index}")


def test_as_many_as_the_trust_file_asks_for(ours: Studio, signed_off: Path, tmp_path: Path) -> None:
    trust = trusting(ours, BOTH)
    say(ours, signed_off, "approved", ANN, CAT, ANN)
    assert told(judged(ours, tmp_path, signed_off, trust))[:3] == ("fail", 3, "pending")
    say(ours, signed_off, "approved", BOB)
    assert told(judged(ours, tmp_path, signed_off, trust))[:3] == ("pass", 0, "approved")


def test_an_approval_of_other_bytes_is_none_of_these(ours: Studio, signed_off: Path, tmp_path: Path) -> None:
    say(ours, signed_off, "approved", ANN, sha256="97" * 32)
    assert told(judged(ours, tmp_path, signed_off, trusting(ours, (1, (ANN.public_key,)))))[2] == "pending"


def test_a_rejection_fails_also_where_no_approval_is_required(ours: Studio, signed_off: Path, tmp_path: Path) -> None:
    say(ours, signed_off, "approved", ANN, BOB)
    index = say(ours, signed_off, "rejected", ANN)
    found = told(judged(ours, tmp_path, signed_off, trusting(ours, BOTH), required=False))
    assert found[:3] == ("fail", 3, "rejected")
    assert f"{ANN.key_id} rejected by entry #{index}" in found[3]


def test_an_index_without_the_rejection_is_a_broken_ledger(ours: Studio, signed_off: Path, tmp_path: Path) -> None:
    """No signature covers the indexes of SQLite, by which entries are looked up."""
    say(ours, signed_off, "approved", ANN)
    index = say(ours, signed_off, "rejected", ANN)
    trust = trusting(ours, (1, (ANN.public_key,)))
    assert told(judged(ours, tmp_path, signed_off, trust))[:3] == ("fail", 3, "rejected")
    data = signed_off.read_bytes()
    places = [found.start() for found in re.finditer(b"approval", data)]
    hidden = 0
    for place in places:
        signed_off.write_bytes(data[:place] + b"approvam" + data[place + 8 :])
        if newest_approvals(signed_off, BY_TABLE) != index or newest_approvals(signed_off, BY_INDEX) == index:
            continue
        hidden += 1
        verdict = judged(ours, tmp_path, signed_off, trust)
        assert (verdict.verdict, verdict.exit_code) == ("fail", 4)
        assert "verify.ledger-broken" in {item.code for item in verdict.findings}
    assert hidden


def newest_approvals(path: Path, query: str) -> int | None:
    with closing(sqlite3.connect(path)) as connection:
        try:
            newest: int | None = connection.execute(query).fetchone()[0]
        except sqlite3.DatabaseError:
            return None
    return newest


@pytest.mark.parametrize("by", ["ledger", "trust file"])
def test_the_approval_of_a_revoked_key_does_not_count(ours: Studio, signed_off: Path, tmp_path: Path, by: str) -> None:
    index = say(ours, signed_off, "approved", ANN)
    trust = trusting(ours, (1, (ANN.public_key,)))
    assert told(judged(ours, tmp_path, signed_off, trust))[2] == "approved"
    if by == "trust file":
        assert told(judged(ours, tmp_path, signed_off, replace(trust, revoked=((ANN.key_id, index),))))[2] == "pending"
        later = replace(trust, revoked=((ANN.key_id, index + 1),))
        assert told(judged(ours, tmp_path, signed_off, later))[2] == "approved"
        return
    said = {"origin": ours.origin, "kid": ANN.key_id, "fromIndex": index, "revokedAt": studio.NOW, "reason": "stolen"}
    with writing(ours, signed_off) as ledger:
        ledger.append([studio.entry("key-revoke", ("key", "96" * 32), said, ours.keyset.root)], now=studio.NOW)
    assert told(judged(ours, tmp_path, signed_off, trust))[:3] == ("fail", 3, "pending")


def test_without_approvers_in_the_trust_file_the_ledger_names_them(
    ours: Studio, signed_off: Path, tmp_path: Path
) -> None:
    say(ours, signed_off, "approved", ANN)
    nobody = told(judged(ours, tmp_path, signed_off, ours.trust))
    assert nobody[:3] == ("fail", 3, "not-checked")
    assert "names who approves" in nobody[3]
    name_approvers(ours, signed_off, 2, ANN, BOB)
    assert told(judged(ours, tmp_path, signed_off, ours.trust))[2] == "pending"
    say(ours, signed_off, "approved", BOB, ANN)
    assert told(judged(ours, tmp_path, signed_off, ours.trust))[:3] == ("pass", 0, "approved")
    stricter = trusting(ours, (2, (BOB.public_key, CAT.public_key)))
    assert told(judged(ours, tmp_path, signed_off, stricter))[2] == "pending"


def test_a_ledger_that_is_not_used_shows_no_approval(ours: Studio, signed_off: Path, tmp_path: Path) -> None:
    say(ours, signed_off, "approved", ANN)
    trust = trusting(ours, (1, (ANN.public_key,)))
    assert told(judged(ours, tmp_path, None, trust))[1:3] == (3, "not-checked")
    other = replace(trust, origin="elsewhere.example/personactl/0011223344556677")
    assert judged(ours, tmp_path, signed_off, other).axes.approval == "not-checked"


def test_approvals_are_read_once_for_all_files_and_again_when_the_ledger_has_grown(
    ours: Studio, signed_off: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them for each file took longer than everything else about it."""
    read: list[str] = []
    decisions = approvals._decisions
    monkeypatch.setattr(approvals, "_decisions", lambda entry: read.append(entry.kind) or decisions(entry))
    trust = trusting(ours, (1, (ANN.public_key,)))
    with Ledger.open_reader(signed_off) as ledger:
        known = [ledger.entry(work.index).entry.subject_sha256 for work in ours.works.values()]
    for sha256 in known:
        say(ours, signed_off, "approved", ANN, sha256=sha256)
    with LedgerSource(signed_off, [trust]) as source:
        for _ in range(5):
            found = [source.approval(sha256) for sha256 in known]
        assert [item.verdict for item in found if item] == ["approved"] * len(known)
        assert len(read) == 2 * len(known)  # once to see whom it is about, once to hear it
        say(ours, signed_off, "rejected", ANN, sha256=known[0])
        told = source.approval(known[0])
        assert told is not None
        assert told.verdict == "rejected"


def test_the_command_exits_3_until_the_file_is_approved(ours: Studio, signed_off: Path, tmp_path: Path) -> None:
    document = json.loads(ours.trust_bytes)
    name_approvers(ours, signed_off, 1, ANN)
    (tmp_path / "trust.json").write_text(json.dumps(document), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "personactl",
        "verify",
        str(ours.deliver(tmp_path)),
        "--require-approval",
        "--json",
    ]
    command += ["--ledger", str(signed_off), "--trust", str(tmp_path / "trust.json")]
    waiting = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (waiting.returncode, axis(waiting.stdout)) == (3, "pending")
    say(ours, signed_off, "approved", ANN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, axis(done.stdout)) == (0, "approved")


def axis(document: str) -> str:
    (file,) = json.loads(document)["files"]
    return str(file["axes"]["approval"])
