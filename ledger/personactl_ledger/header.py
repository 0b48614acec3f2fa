"""The first 100 bytes of the file: what a ledger of format 1 says there, and how long it then is (SPEC 11.1, 12.1).

Every field is demanded here, or checked by SQLite's own consistency check (32 to 39, the list of free pages), but
for two that no reader depends on: the schema cookie (40 to 43) and the version of the last writer's library (96 to 99).
"""

from __future__ import annotations

from dataclasses import dataclass

from personactl_ledger.schema import APPLICATION_ID, MAGIC, PAGE_SIZE, ROLLBACK_JOURNAL, USER_VERSION

HEADER_BYTES = 100

_SETTINGS = (
    (16, 2, PAGE_SIZE, "page size"),
    (20, 1, 0, "number of reserved bytes on each page"),
    (44, 4, 4, "schema format"),
    (52, 4, 0, "auto-vacuum root page"),
    (56, 4, 1, "text encoding"),
    (64, 4, 0, "incremental-vacuum mode"),
)
"""(offset, bytes, value, name) of what another program could have set."""

_CONSTANTS = (
    (21, 3, 0x402020, "payload fractions"),
    (48, 4, 0, "suggested cache size"),
    (72, 20, 0, "space for expansion"),
)
"""The same of what every SQLite file of today has."""


@dataclass(frozen=True, slots=True)
class HeaderProblem:
    """Why these bytes are not the header of a ledger of format 1."""

    code: str
    message: str
    hint: str


def number(header: bytes, offset: int, length: int = 4) -> int:
    """A big-endian field."""
    return int.from_bytes(header[offset : offset + length], "big")


def change_counter(header: bytes) -> int:
    """Goes up by one with each transaction, modulo 2^32."""
    return number(header, 24)


def header_problem(header: bytes) -> HeaderProblem | None:
    """The first thing that is wrong, or None. `header` holds the first 100 bytes, fewer if the file has fewer."""
    return _identity_problem(header) or _settings_problem(header)


def _identity_problem(header: bytes) -> HeaderProblem | None:
    """Whether it is a ledger at all, of a format that this program reads."""
    if not header:
        return HeaderProblem("ledger.empty-file", "the file is empty", "restore a backup")
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        hint = "name the ledger itself; an encrypted or compressed copy has to be unpacked first"
        return HeaderProblem("ledger.not-sqlite", "this is not an SQLite file", hint)
    application, version = number(header, 68), number(header, 60)
    if application != APPLICATION_ID:
        message = f"this SQLite file is of another program: its application_id is {application:#010x}"
        return HeaderProblem("ledger.other-application", message, "name the ledger itself")
    if version > USER_VERSION:
        message = f"the ledger has format {version}; this program knows format {USER_VERSION}"
        return HeaderProblem("ledger.newer-format", message, "use a newer personactl")
    if version < USER_VERSION:
        message = f"the file says format {version}, and there is no format before {USER_VERSION}"
        return HeaderProblem("ledger.older-format", message, "keep the file as it is; restore a backup")
    return None


def _settings_problem(header: bytes) -> HeaderProblem | None:
    if header[18:20] != ROLLBACK_JOURNAL:
        message = "the file was switched to write-ahead logging"
        return HeaderProblem("ledger.journal", message, "nothing was opened; look at a copy that was made at rest")
    for offset, length, expected, name in _SETTINGS:
        found = number(header, offset, length)
        if found != expected:
            message = f"the {name} of the file is {found}; that of a ledger is {expected}"
            return HeaderProblem("ledger.file-settings", message, "another program rewrote it; restore a backup")
    for offset, length, expected, name in _CONSTANTS:
        if number(header, offset, length) != expected:
            message = f"bytes {offset} to {offset + length - 1} ({name}) are damaged"
            return HeaderProblem("ledger.header", message, "keep the file as it is; restore a backup")
    if number(header, 92) != change_counter(header):
        message = "the change counter (bytes 24 to 27) is not the one that the page count is valid for (92 to 95)"
        return HeaderProblem("ledger.header", message, "keep the file as it is; restore a backup")
    return None


def length_problem(pages: int, size: int) -> HeaderProblem | None:
    """Whether a file of `size` bytes holds exactly the `pages` that it says."""
    expected = pages * PAGE_SIZE
    if size == expected:
        return None
    what = "was cut short" if size < expected else "has bytes after its last page"
    message = f"the file {what}: it has {size} bytes, and its {pages} pages make {expected}"
    return HeaderProblem("ledger.file-length", message, "keep the file as it is; restore a backup")
