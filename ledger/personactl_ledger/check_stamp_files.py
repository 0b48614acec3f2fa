"""The files at `timestamps/` of an export folder against the copy of the ledger in it (SPEC 16.6, 16.9)."""

from __future__ import annotations

from collections.abc import Set
from contextlib import closing
from pathlib import Path

from personactl_ledger.database import connect_reader
from personactl_ledger.errors import FormatError
from personactl_ledger.export_folder import STAMPS
from personactl_ledger.export_read import read_whole

CODE = "export.timestamps"
NOT_COMPARED = "the files of timestamps/ were compared with SHA256SUMS alone: there is no good copy"
_MOST = 512 << 10
"""Bytes of what a token covers: a checkpoint and the token that was renewed, both with a smaller limit."""
_ROWS = "SELECT id, CAST(token AS BLOB), CAST(coalesce(evidence, '') AS BLOB) FROM timestamp NOT INDEXED ORDER BY id"


def check_stamp_files(folder: Path, names: Set[str], copy: Path) -> None:
    """SPEC 16.9 step 5: the files in `names` below timestamps/ are those of the rows of `copy`, which was checked.

    Raises FormatError (code export.timestamps) for the first that is not so.
    """
    from personactl_ledger.timestamping import imprint_matches  # these are only needed where there are time stamps
    from personactl_ledger.tsp import parse_token

    with closing(connect_reader(copy)) as connection:
        rows = connection.execute(_ROWS).fetchall()
    wanted: set[str] = set()
    for number, token, evidence in rows:
        expected = {f"{STAMPS}/{number}.tsr": token} | ({f"{STAMPS}/{number}.evidence": evidence} if evidence else {})
        for name, data in expected.items():
            if read_whole(folder / name, max(len(data), 1), CODE) != data:
                raise FormatError(f"{name} is not what the copy holds", code=CODE)
        about = f"{STAMPS}/{number}.data"
        if not imprint_matches(parse_token(token), read_whole(folder / about, _MOST, CODE)):
            raise FormatError(f"{about} is not what the token is about", code=CODE)
        wanted |= {*expected, about}
    more = sorted(name for name in names if name.startswith(f"{STAMPS}/") and name not in wanted)
    if more:
        raise FormatError(f"{more[0]} is of no time stamp in the copy", code=CODE)
