"""The ledger as a source of exact bytes and of candidates. Checked once, before anything that it says is used.

An entry that is found goes through `verify_receipt` like any other (see `records.py`); the ledger itself adds what a
single receipt cannot know: that an entry was withdrawn or its key revoked later, that a receipt tells another history,
which entry a watermark points to, and whether persons approved the bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from personactl_ledger import (
    Approval,
    Approvals,
    CheckReport,
    Ledger,
    LedgerConflict,
    LedgerCorrupt,
    LedgerError,
    LedgerMissing,
    LedgerStorage,
    StoredEntry,
    check,
)

from personactl.errors import EXIT_OK, EXIT_TRUST, UsageProblem
from personactl.keys.trust import TrustFile
from personactl.verdict import EntryCandidate
from personactl.verify import candidates, similarity
from personactl.verify.evidence import Record, RecordState, persona_of
from personactl.verify.records import FILE_KINDS, ledger_trust, prove
from personactl.verify.similarity import Table

_WITNESSES = "ask the sender for a newer copy of the ledger, with the cosignatures of its witnesses"

_NO_LEDGER = frozenset({"ledger.not-plain", "ledger.empty-file", "ledger.not-sqlite", "ledger.other-application"})


class LedgerSource:
    """One ledger file, open for reading, or the reason why nothing that it says is used."""

    def __init__(self, path: Path, trust: Sequence[TrustFile]) -> None:
        """Open and check. A ledger that is broken or not trusted is a Record. Raises LedgerMissing, LedgerStorage, and
        UsageProblem for a file that is no ledger at all: that says nothing about the files under test."""
        self._fault: Record | None = None
        self._ledger: Ledger | None = None
        self._report: CheckReport | None = None
        self._trust: tuple[TrustFile, ...] = ()
        self._approvals: tuple[int, Approvals] | None = None
        self._path = path
        try:
            self._ledger = Ledger.open_reader(path)
            self._fault = self._examine(path, self._ledger.origin, trust)
        except LedgerCorrupt as error:
            if error.code in _NO_LEDGER:
                raise UsageProblem(error.message, where=str(path), hint=error.hint, code=error.code) from None
            self._fault = Record(source="ledger", state="broken", reason=error.message)
        except BaseException:
            self.close()
            raise

    def _examine(self, path: Path, origin: str, trust: Sequence[TrustFile]) -> Record | None:
        """Check the whole file under each trust file of its origin until one holds; None when it may be used."""
        if not trust:
            return Record(source="ledger", state="unchecked", origin=origin)
        faults: list[Record] = []
        for item in trust:
            if item.origin != origin:
                continue
            report = check(path, level="index", trust=ledger_trust(item, trust))
            if report.exit_code == EXIT_OK:
                self._trust, self._report = (replace(item, revoked=ledger_trust(item, trust).revoked),), report
                return None
            faults.append(_fault(report, origin))
        faults.sort(key=lambda fault: fault.state != "broken")
        return faults[0] if faults else Record(source="ledger", state="untrusted", origin=origin)

    def __reduce__(self) -> tuple[Any, ...]:
        """For a worker: the file is opened again, and what the check found is taken over, not checked again."""
        status = os.stat(self._path)  # noqa: PTH116 - the pair that says whether it is the same file
        found = (self._fault, self._report, self._trust)
        return _taken_over, (self._path.absolute(), (status.st_dev, status.st_ino), found)

    def record(self, sha256: str, entry_id: str) -> Record:
        """What the ledger says about these bytes, else about the entry that the file names ("" for none)."""
        ledger = self._ledger
        if self._fault is not None or ledger is None:
            return self._fault or Record(source="ledger", state="absent")
        try:
            return self._look_up(ledger, sha256, entry_id)
        except LedgerError as error:
            return Record(source="ledger", state="broken", origin=ledger.origin, reason=error.message)

    def _look_up(self, ledger: Ledger, sha256: str, entry_id: str) -> Record:
        about = ledger.by_subject(sha256)
        voids = {said.entry.predicate.get("voids"): said.entry for said in about if said.entry.kind == "void"}
        files = [stored for stored in about if stored.entry.kind in FILE_KINDS]
        standing = [stored for stored in files if stored.index not in voids]
        standing.sort(key=lambda stored: stored.entry.predicate.get("entryId") != entry_id)
        if standing:
            return self._proven(ledger, standing[0])
        if files:
            return self._voided(files[-1], sha256, _reason(voids[files[-1].index].predicate))
        named = ledger.by_entry_id(entry_id) if entry_id else None
        if named is None:
            return Record(source="ledger", state="absent", origin=ledger.origin, reason=_taken_in(about))
        if named.entry.kind not in FILE_KINDS:
            return self._voided(named, sha256, f"the entry that the file names is a {named.entry.kind}")
        return self._proven(ledger, named)

    def _proven(self, ledger: Ledger, found: StoredEntry) -> Record:
        try:
            receipt = ledger.prove(found.index)
        except LedgerMissing as error:  # the entry is newer than the last checkpoint
            return Record(source="ledger", state="pending", origin=ledger.origin, reason=error.message)
        except LedgerConflict as error:  # no receipt is written for what was taken back
            return self._voided(found, found.entry.subject_sha256, error.message)
        record = prove(receipt, self._trust, source="ledger")
        if self._report is None:
            return record
        distrusted = found.index in self._report.distrusted and record.state == "proven"
        return replace(record, notes=self._report.notes, state="distrusted" if distrusted else record.state)

    def _voided(self, stored: StoredEntry, sha256: str, reason: str) -> Record:
        origin = self._trust[0].origin
        return Record(
            source="ledger", state="voided", reason=reason, subject_sha256=sha256, origin=origin, index=stored.index
        )

    def compare(self, receipt: Record) -> Record:
        """The receipt as it is, or `refuted` when it proves an entry of this ledger that this ledger does not have.

        A ledger that ends before the entry counts too, as it does for an anchor of `check`: whether it is an older copy
        or was cut back cannot be told from the two.
        """
        ledger = self._ledger
        if self._fault is not None or ledger is None or receipt.state != "proven" or receipt.origin != ledger.origin:
            return receipt
        try:
            reason = _difference(ledger, receipt)
        except LedgerError:  # `record` says what is wrong with the ledger
            return receipt
        return replace(receipt, state="refuted", reason=reason) if reason else receipt

    def approval(self, sha256: str) -> Approval | None:
        """Whether persons approved these bytes (SPEC 6.11): those whom the trust file names, else the trust entries of
        the ledger. None when nothing that the ledger says is used."""
        if self._fault is not None or self._ledger is None:
            return None
        try:
            return self._approvals_now(self._ledger).about(sha256)
        except LedgerError:  # `record` says what is wrong with the ledger
            return None

    def _approvals_now(self, ledger: Ledger) -> Approvals:
        """Read again only when the ledger has grown."""
        size = ledger.size
        if self._approvals is None or self._approvals[0] != size:
            trust = self._trust[0].ledger
            self._approvals = size, ledger.approvals(approvers=trust.approvers, revoked=trust.revoked_from())
        return self._approvals[1]

    def candidates(self, payload: str, codes: Sequence[bytes]) -> tuple[EntryCandidate, ...]:
        """The entries that a watermark (16 hex digits, "" for none) or any of the ISCC Image-Codes (32 bytes each)
        points to, strongest first. Empty when nothing that the ledger says is used, or nothing is near enough."""
        if self._fault is not None or self._ledger is None or not (payload or codes):
            return ()
        try:
            return self._near(self._ledger, bytes.fromhex(payload), codes)
        except LedgerError:  # `record` says what is wrong with the ledger
            return ()

    def _near(self, ledger: Ledger, payload: bytes, codes: Sequence[bytes]) -> tuple[EntryCandidate, ...]:
        payloads, images = self._tables
        marked = payloads.nearest([payload] if payload else [], similarity.MAX_WATERMARK_DISTANCE)
        alike = images.nearest(codes, similarity.MAX_ISCC_DISTANCE)
        found: list[EntryCandidate] = []
        for index in dict.fromkeys(index for _, index in (*marked, *alike)):
            found += _measured(ledger, index, payload if any(index == at for _, at in marked) else b"", codes)
        return candidates.ranked(found)

    @cached_property
    def _tables(self) -> tuple[Table, Table]:
        """Of every file entry; built when the first stripped file asks. Columns of the ledger file only say where to
        look: what is told of an entry comes from its leaf."""
        return similarity.tables(() if self._ledger is None else self._ledger.marks())

    def close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()

    def __enter__(self) -> LedgerSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _taken_over(path: Path, file: tuple[int, int], found: tuple[Any, ...]) -> LedgerSource:
    """The same source in another process. Raises LedgerStorage when the file was replaced in between."""
    source = LedgerSource.__new__(LedgerSource)
    source._path, source._ledger = path, None
    source._fault, source._report, source._trust = found
    source._approvals = None
    if source._fault is None:
        source._ledger = Ledger.open_reader(path)
        status = os.stat(path)  # noqa: PTH116
        if (status.st_dev, status.st_ino) != file:
            source.close()
            raise LedgerStorage("the file was replaced while it was being used", where=str(path))
    return source


def _fault(report: CheckReport, origin: str) -> Record:
    first = next(item for item in report.findings if item.severity == "error")
    state: RecordState = "untrusted" if report.exit_code == EXIT_TRUST else "broken"
    hint = _WITNESSES if first.code == "ledger.trust-witness" else ""
    return Record(source="ledger", state=state, origin=origin, reason=first.message, hint=hint)


def _difference(ledger: Ledger, receipt: Record) -> str:
    """Why the ledger does not hold the entry that the receipt proves, "" when it does."""
    index = receipt.index
    if index is None or index >= ledger.size:
        return f"the receipt proves entry #{index}, the ledger has {ledger.size} entries"
    if ledger.entry(index).entry.leaf_hash != receipt.leaf_hash:
        return f"entry #{index} of the ledger is another one than the receipt proves"
    return ""


def _measured(ledger: Ledger, index: int, payload: bytes, codes: Sequence[bytes]) -> list[EntryCandidate]:
    """How far the entry at `index` is, by its own leaf: by the watermark where one is given, and by the ISCC."""
    from personactl.disclose.fingerprint import bits_of

    predicate = ledger.entry(index).entry.predicate
    own = similarity.payload_of(predicate.get("entryId"))
    image = bits_of(predicate.get("iscc"))
    ways: list[tuple[Literal["watermark", "iscc"], int, int, int]] = []
    if own and payload:
        limit = similarity.MAX_WATERMARK_DISTANCE
        ways.append(("watermark", similarity.distance(own, payload), 8 * len(own), limit))
    if own and image and codes:
        apart = min(similarity.distance(image, code) for code in codes)
        ways.append(("iscc", apart, 8 * len(image), similarity.MAX_ISCC_DISTANCE))
    return [
        EntryCandidate(
            entry_id=str(predicate["entryId"]), origin=ledger.origin, index=index, by=way, distance=apart, of=of,
            persona=persona_of(predicate),
        )
        for way, apart, of, limit in ways
        if apart <= limit
    ]  # fmt: skip


def _taken_in(about: Sequence[StoredEntry]) -> str:
    """Where else these bytes are on record, as a merge said it (ledger SPEC 17.6), which proves nothing; else ""."""
    sources = [stored.entry.predicate["source"] for stored in about if stored.entry.kind == "merged"]
    made = [source for source in sources if source["kind"] in FILE_KINDS]
    return f"entry {made[-1]['index']} of {made[-1]['origin']} is about them, bring its receipt" if made else ""


def _reason(predicate: Mapping[str, Any]) -> str:
    reason = predicate.get("reason")
    return reason if isinstance(reason, str) else "no reason given"
