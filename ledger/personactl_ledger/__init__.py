"""A signed, append-only ledger in one SQLite file: entries, checkpoints, receipts. Formats: ledger/SPEC.md.

statement → sign_entry → Draft → Ledger.append → Ledger.checkpoint → Ledger.prove → verify_receipt
                                               ↘ check
"""

from personactl_ledger.approvals import Approval, Approvals, Word
from personactl_ledger.book import RunState
from personactl_ledger.canonical import canonical_bytes, parse_canonical
from personactl_ledger.check import CheckReport, LedgerFinding, check
from personactl_ledger.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from personactl_ledger.ed25519 import check_public_key, key_id
from personactl_ledger.entry import Entry, parse_entry, sign_entry
from personactl_ledger.errors import (
    EntryRefused,
    FormatError,
    LedgerConflict,
    LedgerCorrupt,
    LedgerError,
    LedgerLocked,
    LedgerMissing,
    LedgerStorage,
    ProfileError,
    ReceiptError,
)
from personactl_ledger.founding import key_add_leaf
from personactl_ledger.ledger import Draft, Ledger
from personactl_ledger.note import Vkey
from personactl_ledger.receipt import Receipt, Timestamp, parse_receipt
from personactl_ledger.receipt_check import ReceiptReport, verify_receipt
from personactl_ledger.sealed import Sealed, seal
from personactl_ledger.signer import Ed25519Signer, LogSigner, Signer
from personactl_ledger.statement import statement
from personactl_ledger.store import StoredEntry
from personactl_ledger.trust import LedgerTrust
from personactl_ledger.view import LedgerView

__all__ = [
    "Approval",
    "Approvals",
    "CheckReport",
    "Checkpoint",
    "Draft",
    "Ed25519Signer",
    "Entry",
    "EntryRefused",
    "FormatError",
    "Ledger",
    "LedgerConflict",
    "LedgerCorrupt",
    "LedgerError",
    "LedgerFinding",
    "LedgerLocked",
    "LedgerMissing",
    "LedgerStorage",
    "LedgerTrust",
    "LedgerView",
    "LogSigner",
    "ProfileError",
    "Receipt",
    "ReceiptError",
    "ReceiptReport",
    "RunState",
    "Sealed",
    "Signer",
    "StoredEntry",
    "Timestamp",
    "Vkey",
    "Word",
    "canonical_bytes",
    "check",
    "check_public_key",
    "key_add_leaf",
    "key_id",
    "parse_canonical",
    "parse_checkpoint",
    "parse_entry",
    "parse_receipt",
    "seal",
    "sign_entry",
    "statement",
    "verify_checkpoint",
    "verify_receipt",
]
