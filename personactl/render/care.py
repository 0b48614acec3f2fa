"""What became of a ledger: erased, copied, restored, compared, merged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from personactl.render.counts import counted
from personactl.render.terminal import Line, Styled, Terminal, quote

if TYPE_CHECKING:
    from personactl_ledger.backup import Backup
    from personactl_ledger.compare import Comparison
    from personactl_ledger.erasure import Erasure
    from personactl_ledger.merge import Merged
    from personactl_ledger.misbehaviour import Misbehaviour
    from personactl_ledger.restore import Restored

    from personactl.keys.ended_trust import TrustFiles

COPIES = (
    "backups of this ledger that were made with sealed values",
    "exports and evidence that were made before",
    "manifests, plans and persona records, which hold prompts and names as text",
    "snapshots of the file system and blocks that it let go",
)
"""Where an erased value may still be. Receipts never hold one."""
VERDICTS = {
    "same": ("one history", "good"),
    "inconsistent": ("two histories", "bad"),
    "unknown": ("cannot tell", "warn"),
}


def show_erasure(terminal: Terminal, done: Erasure) -> None:
    """What went, that the bytes were looked for, and where copies may be."""
    fields = [{"index": index, "fields": list(names)} for index, names in done.fields.items()]
    elsewhere = [{"index": index, "field": field} for index, field in done.elsewhere]
    document = {
        "schema": "personactl.ledger-erase/1", "entries": list(done.entries), "erased": fields, "goneFromFile": True,
        "bytesRead": done.bytes_read, "partsInEntries": done.in_entries,
        "equalValuesStored": elsewhere, "copiesMayBe": list(COPIES),
    }  # fmt: skip
    lines: list[Line] = [
        *([f"entry {index}: {', '.join(names)} erased"] for index, names in done.fields.items()),
        [Styled("gone from the file", "good"), f": {done.bytes_read} bytes were looked through"],
        [f"on record as entry {', '.join(map(str, done.entries))}"],
        *([f"  note: entry {index} still holds an equal {field}"] for index, field in done.elsewhere),
        *(["  note: eight bytes or more of it stand in entries too, which keep them"] if done.in_entries else ()),
        "copies may still be in:",
        *([f"  {place}"] for place in COPIES),
        "receipts never hold sealed values",
    ]
    terminal.result(document, lines)


def show_backup(terminal: Terminal, made: Backup) -> None:
    """What the copy is, by size, checkpoint and digest."""
    head = made.checkpoint
    document = {
        "schema": "personactl.ledger-backup/1", "path": str(made.path), "origin": made.origin, "size": made.size,
        "fileBytes": made.file_bytes, "sha256": made.sha256, "sealedValues": made.sealed,
        "checkpoint": None if head is None else {"size": head.size, "root": head.root.hex(), "note": head.note},
    }  # fmt: skip
    signed = "no checkpoint yet" if head is None else f"checkpoint over {head.size}, root {head.root.hex()}"
    lines: list[Line] = [
        [
            "backup ",
            Styled(quote(str(made.path)), "bold"),
            f": {counted(made.size, 'entry')} in {made.origin}, {made.file_bytes} bytes",
        ],
        [Styled(f"  sha256 {made.sha256}", "dim")],
        [f"  {signed}"],
    ]
    if made.sealed:
        lines.append([f"  note: it keeps {made.sealed} sealed values; an erasure does not reach it"])
    terminal.result(document, lines)


def show_restore(terminal: Terminal, done: Restored, trust: TrustFiles | None) -> None:
    """Which ledger stands there now, and where the others went."""
    aside, kept = (None if path is None else str(path) for path in (done.aside, done.kept))
    document = {
        "schema": "personactl.ledger-restore/1", "path": str(done.path), "origin": done.origin, "size": done.size,
        "replayed": done.replayed, "newestSigned": done.newest, "movedAside": aside, "ended": done.ended, "kept": kept,
        "keptSize": done.kept_size, "checkpoint": done.checkpoint,
        "personas": [{"id": item.persona, "version": item.version, "entry": item.index} for item in done.personas],
        "known": {
            "anchors": list(done.known.anchors), "remembered": done.known.remembered,
            "files": [str(path) for path in done.known.files],
        },
        "erased": [{"index": index, "fields": list(names)} for index, names in done.erased.items()],
        "trustFile": trust and {"path": str(trust.path), "movedAside": str(trust.aside)},
        "mayHoldErasedValues": [str(path) for path in done.doubtful],
    }  # fmt: skip
    lines: list[Line]
    if done.ended is None:
        signed = f": {counted(done.size, 'entry')} in {done.origin}, a checkpoint over {done.checkpoint}"
        lines = [[Styled("the ledger goes on", "good"), signed]]
    else:
        lines = [
            [Styled("a new ledger begins", "warn"), f": {done.origin}; {done.ended} ended"],
            [f"  {_was(done)}, and the backup has {done.kept_size}"],
            ["  what is left of it: ", Styled(quote(kept or ""), "bold"), ", read-only; its receipts stay valid"],
            *([f"  {item.persona}@{item.version} is frozen again: entry {item.index}"] for item in done.personas),
            *_trust(trust),
            "pictures in out/ belong to the ledger that ended: move them before the same manifest runs again",
        ]
    if done.replayed:
        lines.append([f"  {done.replayed} entries were brought"])
    if aside is not None:
        lines.append(["  what stood there before: ", Styled(quote(aside), "bold")])
    terminal.result(document, [*lines, *_known(done), *_erased(done)])


def _trust(files: TrustFiles | None) -> list[Line]:
    if files is None:
        return ["receivers need a new trust file (personactl keys export); the old receipts need the old one"]
    new, old = quote(str(files.path)), quote(str(files.aside))
    return [
        ["receivers need the new trust file: ", Styled(new, "bold")],
        ["  the old receipts need the old one: ", Styled(old, "bold")],
    ]


def _was(done: Restored) -> str:
    """Why the ledger could not go on."""
    if done.newest > done.kept_size:
        return f"{done.newest} entries are known to have been signed"
    remembered = done.known.remembered or 0
    if remembered > done.kept_size:
        return f"the project remembers {counted(remembered, 'entry')}"
    return f"the project remembers another entry {max(remembered, 1) - 1}"


def _known(done: Restored) -> list[Line]:
    """What showed whether more was signed than the backup has."""
    known = done.known
    shown = [f"an anchor over {counted(size, 'entry')}" for size in known.anchors]
    if known.remembered is not None:
        shown.append(f"the project's own memory of {counted(known.remembered, 'entry')}")
    shown += [f"the checkpoints in {quote(path.name)}" for path in known.files]
    if not shown:
        return [
            [Styled("no anchor was given", "warn"), ", and no memory of this ledger nor an older file of it is here:"],
            "  whether later entries were signed and lost cannot be told; check with the newest receipts that exist",
        ]
    lines: list[Line] = [["  compared with ", ", ".join(shown)]]
    if not known.anchors:
        lines.append("  no anchor was given: receipts that others hold may show later entries")
    return lines


def _erased(done: Restored) -> list[Line]:
    """What was erased after the backup: what went again, and what nobody can tell any more."""
    lines: list[Line] = [
        [f"  entry {index}: {', '.join(names)} had been erased, and was erased again in the restored file"]
        for index, names in done.erased.items()
    ]
    if lines:
        lines.append("  the backup still holds what was erased again")
    if not done.doubtful:
        return lines
    lines.append([Styled("values that were erased after the backup", "warn"), " may stand again in:"])
    for path in done.doubtful:
        if path == done.kept:
            mend = f"personactl ledger backup bare.sqlite --without-sealed --ledger {quote(path.name)}; then destroy it"
        else:
            mend = "personactl ledger erase --all-of-persona ID --basis …"
        lines.append([f"  {quote(str(path))}: ", mend])
    return lines


def show_merge(terminal: Terminal, done: Merged) -> None:
    """How much was taken in, and which entry says so."""
    document = {
        "schema": "personactl.ledger-merge/1", "origin": done.origin, "size": done.size, "first": done.first,
        "count": done.count, "entry": done.index, "resumed": done.resumed,
    }  # fmt: skip
    if done.index is None:
        terminal.result(document, [f"nothing new in {done.origin}: {done.size} entries stand here already"])
        return
    lines: list[Line] = [
        [
            Styled(f"{counted(done.count, 'entry')} taken in", "good"),
            f" from {done.origin}; entry {done.index} says so",
        ],
        ["  keep that ledger: its receipts prove what these entries said"],
    ]
    terminal.result(document, lines)


def show_comparison(terminal: Terminal, found: Comparison, *, paths: tuple[Path, Path], proof: Path | None) -> None:
    """The verdict, what differs first, and what could not be said."""
    document = {
        "schema": "personactl.ledger-compare/1", "verdict": found.verdict, "exit": found.exit_code,
        "origin": found.origin, "origins": list(found.origins), "sizes": list(found.sizes),
        "firstDifference": found.first_difference,
        "provable": found.proof is not None, "proof": None if proof is None else str(proof),
        "untrusted": list(found.untrusted), "notes": list(found.notes),
    }  # fmt: skip
    lines = _verdict(found, paths)
    if found.first_difference is not None:
        lines.append([f"  the first entry that differs is {found.first_difference}"])
    if proof is not None:
        lines.append(["  proof that the log signed both: ", Styled(quote(str(proof)), "bold")])
    elif found.proof is not None:
        lines.append(["  the log signed both; -o FILE writes the proof"])
    lines += [[Styled("not trusted", "bad"), f": {quote(name)}"] for name in found.untrusted]
    lines += [[f"  note: {note}"] for note in found.notes]
    terminal.result(document, lines)


def _verdict(found: Comparison, paths: tuple[Path, Path]) -> list[Line]:
    first, second = found.sizes
    if found.origins[0] != found.origins[1]:
        sides = zip(paths, found.sizes, found.origins, strict=True)
        told: list[Line] = [
            [f"  {quote(str(path))}: {counted(size, 'entry')} of {origin}"] for path, size, origin in sides
        ]
        return [[Styled("two ledgers", "warn"), ", not two states of one:"], *told]
    word, style = VERDICTS[found.verdict]
    longer = "of equal length" if first == second else f"the {'first' if first > second else 'second'} is longer"
    return [[Styled(word, style), f": {first} and {second} entries of {found.origin}, {longer}"]]


def show_misbehaviour(terminal: Terminal, found: Misbehaviour) -> None:
    """A proof that holds."""
    sizes = [found.smaller.size, found.larger.size]
    document: dict[str, Any] = {
        "schema": "personactl.ledger-misbehaviour/1", "holds": True, "origin": found.smaller.origin, "sizes": sizes,
    }  # fmt: skip
    text = f": {found.smaller.origin} signed two histories, over {sizes[0]} and {counted(sizes[1], 'entry')}"
    terminal.result(document, [[Styled("the proof holds", "good"), text]])
