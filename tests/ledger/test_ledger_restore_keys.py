"""Restores where the ledger key was rotated after the backup: whose anchors count, and what is signed (SPEC 17.4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from ledger_bench import NOW, Bench, forge
from personactl_ledger import FormatError, Ledger, LedgerConflict, LedgerTrust, check
from personactl_ledger.backup import backup
from personactl_ledger.restore import Restored, RestoreKeys, restore
from personactl_ledger.succession import Ending, Signers, Successor, succeed

NEXT = forge.log_signer("next log")
AFTER = forge.log_signer("after that")
LATER = "2026-02-03T04:05:06Z"


@dataclass(frozen=True)
class Lost:
    """The ledger is gone; `leaves` and the newest checkpoint, by the next key alone, are left, and what trust said."""

    bench: Bench
    copy: Path
    leaves: list[bytes]
    head: bytes
    trust: LedgerTrust

    def restore(self, **more: object) -> Restored:
        keys = RestoreKeys(root=lambda: self.bench.root, operator=self.bench.operator, log=more.pop("log", NEXT))  # type: ignore[arg-type]
        return restore(self.copy, self.bench.path, reason="lost", keys=keys, now=LATER, **more)  # type: ignore[arg-type]


@pytest.fixture
def lost(bench: Bench, ledger: Ledger, tmp_path: Path) -> Lost:
    """A backup of four entries; the ledger key was rotated at once (4, 5), and a note followed (6)."""
    ledger.checkpoint(bench.log, now=NOW)
    copy = tmp_path / "backup.sqlite"
    backup(bench.path, copy)
    successor = Successor(role="ledger", public_key=NEXT.public_key, vkeys=NEXT.vkeys(ledger.origin))
    by = Signers(adding=[bench.root], ending=[bench.root], old=bench.log, new=NEXT)
    succeed(ledger, successor, Ending(kid=bench.log.key_id, reason="due"), by, now=NOW)
    ledger.append([bench.note("more")], now=NOW)
    head = ledger.checkpoint(NEXT, now=NOW).note.encode()
    leaves, trust = [item.entry.leaf for item in ledger.entries()], ledger.trust()
    ledger.close()
    bench.path.unlink()
    return Lost(bench, copy, leaves, head, trust)


def test_an_anchor_by_the_projects_own_newer_key_ends_the_ledger(lost: Lost) -> None:
    done = lost.restore(anchors=[lost.head])
    assert (done.ended, done.newest, done.kept_size) == (lost.bench.origin, 7, 4)
    assert check(lost.bench.path).ok


def test_an_anchor_by_a_key_of_the_trust_file_ends_it_too(lost: Lost) -> None:
    done = lost.restore(anchors=[lost.head], trust=lost.trust, log=AFTER)
    assert (done.ended, done.newest) == (lost.bench.origin, 7)


def test_with_the_leaves_that_enrol_the_key_the_ledger_goes_on(lost: Lost) -> None:
    done = lost.restore(anchors=[lost.head], replay=lost.leaves)
    assert (done.ended, done.size, done.checkpoint) == (None, 7, 7)
    assert check(lost.bench.path, anchors=[lost.head], trust=lost.trust).exit_code == 0


def test_leaves_that_stop_short_of_it_are_refused(lost: Lost) -> None:
    with pytest.raises(LedgerConflict) as caught:
        lost.restore(anchors=[lost.head], replay=lost.leaves[:6])
    assert caught.value.code == "ledger.replay-short"


def test_an_anchor_by_a_key_that_nobody_knows_asks_for_the_newer_entries(lost: Lost) -> None:
    with pytest.raises(FormatError, match="enrolled later, or the anchor is not genuine") as caught:
        lost.restore(anchors=[lost.head], log=lost.bench.log)
    assert caught.value.code == "ledger.anchor"
    assert "--replay" in caught.value.hint
    assert not lost.bench.path.exists()


def test_a_trust_file_of_another_ledger_says_nothing(lost: Lost) -> None:
    other = LedgerTrust("other.example/personactl/0123456789abcdef", NEXT.vkeys("x"), ())
    with pytest.raises(FormatError):
        lost.restore(anchors=[lost.head], trust=other, log=lost.bench.log)


def test_what_the_trust_file_revokes_proves_nothing(lost: Lost) -> None:
    revoked = LedgerTrust(
        lost.trust.origin, lost.trust.log_keys, lost.trust.root_keys, revoked=((NEXT.key_id, 5),)
    )  # fmt: skip
    done = lost.restore(anchors=[lost.head], trust=revoked, log=lost.bench.log)
    assert (done.ended, done.size) == (None, 4)
    assert check(lost.bench.path).ok


def test_a_wrong_signature_of_a_known_key_is_told_as_wrong(lost: Lost) -> None:
    with Ledger.open_reader(lost.copy) as book:
        text = book.latest_checkpoint()
    assert text is not None
    with pytest.raises(FormatError, match="signature is wrong"):
        lost.restore(anchors=[text.note.replace("\n4\n", "\n5\n").encode()])


def test_what_was_brought_is_signed_without_any_anchor(lost: Lost) -> None:
    done = lost.restore(replay=lost.leaves)
    assert (done.ended, done.size, done.checkpoint) == (None, 7, 7)
    with Ledger.open_reader(lost.bench.path) as book:
        book.prove(6)
