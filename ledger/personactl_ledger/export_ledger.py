"""Exports: the ledger in forms that outlive the program that wrote it (SPEC 16).

Everything is taken of one state, which ends at the latest checkpoint; a run may go on meanwhile.
"""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from personactl_ledger.errors import LedgerError, LedgerMissing
from personactl_ledger.export_copy import check_copy, open_copy, write_copy
from personactl_ledger.export_csv import view_columns, write_view, write_views
from personactl_ledger.export_folder import write_folder
from personactl_ledger.export_jsonl import CHECKPOINT, EXCERPT, write_jsonl
from personactl_ledger.export_place import staged
from personactl_ledger.export_state import ExportState, Selection, take_state
from personactl_ledger.export_tiles import write_tiles
from personactl_ledger.export_tree import count
from personactl_ledger.ledger import Ledger
from personactl_ledger.placing import writing
from personactl_ledger.tables import VIEWS
from personactl_ledger.view import LedgerView

FIRST_VIEW = "v_timeline"
"""The view of a CSV file for which none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportTargets:
    """What to write; None is not written. `csv` is a folder for all views, or one `.csv` file for
    `view`, v_timeline if None."""

    jsonl: Path | None = None
    csv: Path | None = None
    tiles: Path | None = None
    copy: Path | None = None
    folder: Path | None = None
    view: str | None = None

    def csv_file(self) -> Path | None:
        """The file for one view, where `csv` names one."""
        return self.csv if self.csv is not None and self.csv.suffix == ".csv" else None

    def paths(self) -> list[Path]:
        """All that were named."""
        return [item for item in (self.jsonl, self.csv, self.tiles, self.copy, self.folder) if item is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was written. `size` entries of the tree with `root_hex`; `left_out` entries came after the checkpoint;
    `sealed` values with personal data are in it. `lines` are the entries that were chosen, for JSON
    lines or by a run; None where nothing was chosen from."""

    origin: str
    size: int
    root_hex: str | None
    left_out: int
    sealed: int
    written: tuple[str, ...]
    lines: int | None = None


def export(
    path: Path | str,
    targets: ExportTargets,
    *,
    selection: Selection | None = None,
    with_sealed: bool = False,
    trust: bytes | None = None,
) -> ExportReport:
    """Write every form that `targets` names, all or none (SPEC 16.1). `trust` is a trust file for the folder.

    `selection` is for `jsonl`, and its run for `csv` too. Raises LedgerMissing (codes ledger.missing,
    ledger.no-checkpoint, export.nothing, ledger.view-unknown), LedgerConflict (code export.exists), LedgerError (codes
    export.nothing, export.selection), LedgerCorrupt, LedgerStorage.
    """
    chosen = selection or Selection()
    _require_fitting(targets, chosen)
    names = [*targets.paths()]
    if targets.jsonl is not None:
        names += [targets.jsonl.with_name(targets.jsonl.name + suffix) for suffix in (CHECKPOINT, EXCERPT)]
    with Ledger.open_reader(path) as view, staged(*names) as drafts:
        state = take_state(view)
        lines = count(chosen.ranges(view, state.size)) if targets.jsonl is not None or chosen.run is not None else None
        at = dict(zip(names, drafts, strict=True))
        sealed = _write(view, state, chosen, targets, at, with_sealed=with_sealed, trust=trust)
        return ExportReport(
            origin=view.origin,
            size=state.size,
            root_hex=None if state.checkpoint is None else state.checkpoint.root.hex(),
            left_out=state.ledger_size - state.size,
            sealed=sealed,
            written=tuple(str(item) for item in targets.paths()),
            lines=lines,
        )


def _write(
    view: LedgerView,
    state: ExportState,
    chosen: Selection,
    targets: ExportTargets,
    at: dict[Path, Path],
    *,
    with_sealed: bool,
    trust: bytes | None,
) -> int:
    """Write each form to its draft, `at` its name; returns how many sealed values went along."""
    sealed = 0
    if (target := targets.jsonl) is not None:
        with writing(at[target], target):
            _jsonl(view, state, chosen, target, at)
    if (target := targets.tiles) is not None:
        with writing(at[target], target):
            at[target].mkdir()
            write_tiles(view, state, at[target])
    if (target := targets.copy) is not None:
        with writing(at[target], target):
            sealed = write_copy(view, state, at[target], with_sealed=with_sealed)
            check_copy(view, state, at[target])
    if (target := targets.csv) is not None:
        with writing(at[target], target):
            sealed = max(sealed, _csv(view, state, chosen, targets, at[target], with_sealed=with_sealed))
    if (target := targets.folder) is not None:
        with writing(at[target], target):
            sealed = write_folder(view, state, at[target], with_sealed=with_sealed, trust=trust)
    return sealed


def _require_fitting(targets: ExportTargets, chosen: Selection) -> None:
    if not targets.paths():
        raise LedgerError(
            "no form of export was named",
            hint="-o DIR, --jsonl FILE, --csv DIR|FILE.csv, --tiles DIR or --copy FILE",
            code="export.nothing",
            exit_code=2,
        )
    if targets.view is not None:
        _require_view(targets, targets.view)
    places = chosen.first > 0 or chosen.stop is not None
    whole = [targets.tiles, targets.copy, targets.folder]
    if (any(whole) and (places or chosen.run is not None)) or (targets.csv is not None and places):
        raise LedgerError(
            "only JSON lines can be cut to a range, and only they and CSV to a run: the other forms are the whole log",
            hint="leave out --from, --to and --run, or export with --jsonl",
            code="export.selection",
            exit_code=2,
        )


def _require_view(targets: ExportTargets, view: str) -> None:
    if view not in VIEWS:
        raise LedgerMissing(f"there is no view {view}", hint=", ".join(VIEWS), code="ledger.view-unknown")
    if targets.csv_file() is None:
        raise LedgerError(
            "a view was named, and no CSV file for it: a folder gets all views",
            hint=f"--csv {view}.csv --view {view}",
            code="export.selection",
            exit_code=2,
        )


def _jsonl(view: LedgerView, state: ExportState, chosen: Selection, target: Path, at: dict[Path, Path]) -> None:
    """`write_jsonl` names its files after one another; each is then put where it is staged."""
    draft = at[target]
    for suffix in write_jsonl(view, state, chosen, draft)[1:]:
        draft.with_name(draft.name + suffix).rename(at[target.with_name(target.name + suffix)])


def _csv(
    view: LedgerView, state: ExportState, chosen: Selection, targets: ExportTargets, draft: Path, *, with_sealed: bool
) -> int:
    """Views are read from a copy, so that a long answer keeps no writer waiting. Returns the sealed values in it."""
    with tempfile.TemporaryDirectory(prefix=draft.name, dir=draft.parent) as scratch:
        copy = Path(scratch) / "ledger.sqlite"
        sealed = write_copy(view, state, copy, with_sealed=with_sealed)
        with open_copy(copy) as connection:
            if targets.csv_file() is not None:
                name = targets.view or FIRST_VIEW
                _require_runs(connection, name, chosen.run)
                write_view(connection, name, draft, chosen.run)
            else:
                draft.mkdir(mode=0o700)
                write_views(connection, draft, chosen.run)
    return sealed


def _require_runs(connection: sqlite3.Connection, view: str, run: str | None) -> None:
    if run is not None and "run" not in view_columns(connection, view):
        named = ", ".join(name for name in VIEWS if "run" in view_columns(connection, name))
        raise LedgerError(
            f"the view {view} names no run, so it cannot be cut to one",
            hint=f"views that do: {named}",
            code="export.selection",
            exit_code=2,
        )
