"""Everything that can go wrong in the ledger, grouped by what the caller can do about it.

    LedgerError
    ├── ProfileError     exit 2    a value or payload outside the canonical JSON profile (SPEC 2)
    ├── LedgerMissing    exit 2    no ledger, no such entry, no checkpoint yet
    ├── FormatError      exit 4    bytes that are not the wire format they claim to be
    ├── LedgerCorrupt    exit 4    the file is damaged, or not a ledger
    ├── ReceiptError     exit 4/5  a receipt that does not hold (4), or holds for signers nobody trusts (5)
    ├── WitnessRefused   exit 4/5/10  a witness does not cosign: no extension (4), not its log (5), size (10)
    ├── WitnessProblem   exit 9    a witness cannot be reached, or its answer cannot be used
    ├── EntryRefused     exit 9    a key may not sign this entry, or the entry breaks a rule of SPEC 6
    ├── TimestampRefused exit 9    a time-stamp service did not answer, refused, or answered something unfit
    ├── LedgerConflict   exit 10   a duplicate entryId, a second standing output, a ledger that exists already
    ├── LedgerStorage    exit 8    full disk, read-only place, input/output error
    └── LedgerLocked     exit 75   another process writes

Exceptions never print and never exit. `code` has a page in `personactl explain`.
"""

from __future__ import annotations


class LedgerError(Exception):
    """Base of all ledger errors: what happened (`message`), `where`, what to do (`hint`), `code`, `exit_code`."""

    code = "ledger.corrupt"
    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        code: str | None = None,
        exit_code: int | None = None,
    ):
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        if code is not None:
            self.code = code
        if exit_code is not None:
            self.exit_code = exit_code


class ProfileError(LedgerError):
    """A value or text outside the canonical JSON profile (SPEC 2)."""

    code = "ledger.profile"
    exit_code = 2


class LedgerMissing(LedgerError):
    """There is no ledger here, no such entry, or no checkpoint yet."""

    code = "ledger.missing"
    exit_code = 2


class FormatError(LedgerError):
    """Bytes are not the wire format that they claim to be (SPEC 3, 4, 7, 8)."""

    code = "ledger.malformed"
    exit_code = 4


class LedgerCorrupt(LedgerError):
    """The file is damaged, is no ledger, or contradicts its own checkpoint."""

    code = "ledger.corrupt"
    exit_code = 4


class ReceiptError(LedgerError):
    """A receipt fails at the step of SPEC 9 that `where` names; exit 5 when only trust is missing."""

    code = "receipt.malformed"
    exit_code = 4


class WitnessRefused(LedgerError):
    """A witness does not cosign (SPEC 14.6). `status` is that of HTTP, `size` what it holds when it told so (409)."""

    code = "witness.inconsistent"
    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        code: str | None = None,
        exit_code: int = 4,
        status: int = 422,
        size: int | None = None,
    ):
        super().__init__(message, where=where, hint=hint, code=code, exit_code=exit_code)
        self.status = status
        self.size = size


class WitnessProblem(LedgerError):
    """A witness cannot be reached, or its answer cannot be used; nothing was taken in."""

    code = "witness.unreachable"
    exit_code = 9


class EntryRefused(LedgerError):
    """An entry breaks a rule of SPEC 6: unknown or unfit signer, bad signature, wrong origin, wrong counts."""

    code = "ledger.entry-refused"
    exit_code = 9


class TimestampRefused(LedgerError):
    """A time-stamp service failed, or its answer cannot be kept; nothing was stored (SPEC 15.4)."""

    code = "ledger.tsa-response"
    exit_code = 9


class LedgerConflict(LedgerError):
    """The ledger already holds what was to be added, or moved on."""

    code = "ledger.conflict"
    exit_code = 10


class LedgerStorage(LedgerError):
    """A full disk, a read-only place, or an input/output error; nothing of the failed call was kept."""

    code = "ledger.storage"
    exit_code = 8


class LedgerLocked(LedgerError):
    """Another process holds the writer's lock."""

    code = "ledger.locked"
    exit_code = 75
