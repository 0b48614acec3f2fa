"""The views for people as rows, through sqlite-utils (docs/adr/0103): reading only, and imported only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from personactl_ledger.database import connect_reader, require_file, require_format, storage_errors
from personactl_ledger.errors import LedgerMissing

VIEWS = (
    "v_timeline", "v_genesis", "v_keys", "v_holder", "v_signer", "v_trust", "v_run", "v_run_end", "v_output",
    "v_persona_output", "v_reject", "v_void", "v_file", "v_persona", "v_calibration", "v_training", "v_refusal",
    "v_adoption", "v_withdrawal", "v_approval", "v_approved_file", "v_release", "v_released_file", "v_sealed",
    "v_erasure", "v_note", "v_origin", "v_merged", "v_checkpoint", "v_cosignature", "v_timestamp", "v_stamped",
)  # fmt: skip


def rows(path: Path | str, view: str, *, limit: int = 1000, offset: int = 0) -> list[dict[str, Any]]:
    """Rows of one of VIEWS in its own order, as maps from column to text, integer or None (SPEC 11.1).

    Convenience, not evidence: what a row says is derived; `check` compares it. Raises LedgerMissing for another view.
    """
    import sqlite_utils

    path = Path(path)
    if view not in VIEWS:
        raise LedgerMissing(f"there is no view {view}", hint=f"one of {', '.join(VIEWS)}", code="ledger.view-unknown")
    require_file(path)
    connection = connect_reader(path)
    try:
        require_format(connection, path)
        with storage_errors(path):
            # Older SQLite does not count json_extract as harmless in a view. The views were just compared with ours.
            connection.execute("PRAGMA trusted_schema = ON")
            return list(sqlite_utils.Database(connection)[view].rows_where(limit=limit, offset=offset))
    finally:
        connection.close()
