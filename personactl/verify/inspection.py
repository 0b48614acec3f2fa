"""One file from path to verdict: open, read the claim, look at the pixels if need be, ask the records, conclude."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from personactl.keys.trust import TrustFile
from personactl.keys.trust_list import TrustList
from personactl.model import Finding
from personactl.verdict import Verdict
from personactl.verify import candidates
from personactl.verify.evidence import Credential, Evidence, Pixels, Record, Source
from personactl.verify.findings import finding
from personactl.verify.judgement import Demands, conclude, unread
from personactl.verify.ledger_source import LedgerSource
from personactl.verify.limits import OUT_OF_MEMORY
from personactl.verify.opening import extension_fits, open_source
from personactl.verify.pixels import read_watermark
from personactl.verify.reading import read_claim
from personactl.verify.records import read_receipt
from personactl.verify.walking import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What stays the same for all files of one command."""

    trust: tuple[TrustFile, ...]
    lists: tuple[TrustList, ...] = ()
    demands: Demands
    ledger: LedgerSource | None = None
    pixels: bool = False

    def judge(self, target: Target) -> Verdict:
        """The verdict on one path. Never raises for what a file contains."""
        shown = str(target.path)
        if target.empty_folder:
            return unread(shown, "verify.empty-folder", "the folder holds no file that could be judged", self.demands)
        try:
            source = open_source(target.path, shown, descriptor=target.descriptor)
            return conclude(self._gather(target, source), self.demands)
        except MemoryError:
            message = "reading it takes more memory than one file may have"
            return unread(shown, OUT_OF_MEMORY, message, self.demands)

    def _gather(self, target: Target, source: Source) -> Evidence:
        if source.problem is not None:
            return Evidence(source=source)
        claim, metadata, notes = read_claim(source.data, self.trust, self.lists)
        stripped = claim.presence != "embedded"
        asked = self.pixels or self.demands.decoding
        codes = stripped and self.ledger is not None
        clip = source.media_type.startswith("video/")  # not decoded, and the verdict says so
        looked = asked or stripped or clip
        pixels = read_watermark(source.data, asked=asked, codes=codes) if looked else Pixels()
        records = self._records(target, source, claim)
        return Evidence(
            source=source,
            credential=claim,
            metadata=metadata,
            pixels=pixels,
            records=records,
            candidates=candidates.find(pixels, records, self.ledger) if stripped else (),
            approval=None if self.ledger is None else self.ledger.approval(source.sha256),
            notes=(*(_name_notes(target.path, source) if target.descriptor is None else ()), *notes),
        )

    def _records(self, target: Target, source: Source, claim: Credential) -> tuple[Record, ...]:
        receipt = read_receipt(target.receipts, self.trust)
        if self.ledger is None:
            return () if receipt is None else (receipt,)
        entry = self.ledger.record(source.sha256, claim.entry_id)
        return (entry,) if receipt is None else (self.ledger.compare(receipt), entry)


def _name_notes(path: Path, source: Source) -> tuple[Finding, ...]:
    if extension_fits(path, source.media_type):
        return ()
    named = f"is named {path.suffix}" if path.suffix else "has no extension"
    return (finding("verify.wrong-extension", f"the file {named} and holds {source.media_type}"),)
