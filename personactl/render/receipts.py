"""What a receipt that was written stands on, and who outside has seen that."""

from __future__ import annotations

from pathlib import Path

from personactl.render.counts import counted
from personactl.render.terminal import Line, Styled, Terminal


def show_written(terminal: Terminal, receipt: bytes, path: Path) -> None:
    """Its place, the checkpoint, the names in cosignatures and the time stamps that it carries; none was judged."""
    from personactl_ledger.note import parse_note
    from personactl_ledger.receipt import parse_receipt

    said = parse_receipt(receipt)
    head = said.proof.checkpoint
    witnesses = sorted({line.name for line in parse_note(head.note).signatures if line.name != head.origin})
    document = {
        "schema": "personactl.ledger-prove/1", "index": said.proof.index, "path": str(path), "size": head.size,
        "cosignedBy": witnesses, "timeStamps": [stamp.tsa for stamp in said.timestamps],
    }  # fmt: skip
    carried = [f"cosigned by {name}" for name in witnesses] + [f"stamped by {stamp.tsa}" for stamp in said.timestamps]
    lines: list[Line] = [
        ["receipt of entry ", str(said.proof.index), ": ", Styled(str(path), "bold")],
        [f"  under the checkpoint over {counted(head.size, 'entry')}{''.join(f', {text}' for text in carried)}"],
    ]
    terminal.result(document, lines)
