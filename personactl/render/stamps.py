"""What a time stamp that was kept shows, and what was not compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from personactl.render.counts import counted
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl_ledger.timestamping import StampReport


def show_kept(
    terminal: Terminal, report: StampReport, *, index: int, size: int, tsa: str, renewed: bool, nonce: bool,
    rooted: bool, qualified: bool,
) -> None:  # fmt: skip
    """One line of what is shown, one for each thing that was claimed or left out."""
    lines: list[Line] = [
        [Styled("kept", "good"), f": the checkpoint over {counted(size, 'entry')} {report.says}"],
        f"  entry #{index}, serial {report.serial}, policy {report.policy}, {report.hash_algorithm}",
    ]
    if renewed:
        lines.append("  it renews the time stamp before it")
    lines.append(f"  chain accepted by {', '.join(report.verified_by)}" if rooted else f"  note: {_NO_ROOTS}")
    if not nonce:
        lines.append("  note: the nonce was not compared: no --request was given")
    if qualified:
        lines.append("  qualified: so the operator says; nothing here checks it")
    document = {
        "schema": "personactl.ledger-timestamp/1",
        "index": index,
        "size": size,
        "tsa": tsa,
        "genTime": report.gen_time,
        "accuracySeconds": None if report.accuracy is None else f"{report.accuracy.total_seconds():g}",
        "certificateName": report.tsa,
        "serial": str(report.serial),
        "policy": report.policy,
        "hashAlgorithm": report.hash_algorithm,
        "renewal": renewed,
        "nonceCompared": nonce,
        "verifiedBy": list(report.verified_by) if rooted else [],
        "qualifiedByOperator": qualified,
    }
    terminal.result(document, lines)


_NO_ROOTS = "whose time stamp it is was not checked: no --tsa-roots and no --trust was given"
