"""`personactl ledger compare`."""

from __future__ import annotations

from pathlib import Path

import click

from personactl.cli.ledger.group import LARGEST_ANCHOR, PATH, ledger, ledger_trust, told_of
from personactl.cli.session import pass_terminal
from personactl.cli.values import OUTPUT
from personactl.errors import UsageProblem
from personactl.render.terminal import Terminal


@ledger.command()
@click.argument("sides", metavar="A B", nargs=-1, type=PATH)
@click.option("--trust", "trust_file", type=PATH, metavar="FILE", help="Whose signatures count.")
@click.option("-o", "--output", type=OUTPUT, metavar="FILE", help="Write the proof of misbehaviour here.")
@click.option("--proof", type=PATH, metavar="FILE", help="Verify such a proof instead.")
@pass_terminal
def compare(
    terminal: Terminal, *, sides: tuple[Path, ...], trust_file: Path | None, output: Path | None, proof: Path | None
) -> int:
    """Compare two ledgers, receipts or checkpoints.

    Exit 0: one history. 4: two histories. 5: not signed by keys that the trust file names. 10: it cannot be told from
    these two, and the output says what to bring. With --proof, 0 means that the proof holds.
    """
    from personactl.render import care

    if len(sides) != (0 if proof is not None else 2) or (proof is not None and output is not None):
        raise UsageProblem("name two files to compare, or one with --proof", hint="personactl ledger compare A B")
    trust = ledger_trust(trust_file)
    if proof is not None:
        from personactl_ledger.misbehaviour import verify_misbehaviour

        from personactl.document import read_plain_file

        with told_of(proof):
            held = verify_misbehaviour(read_plain_file(proof, LARGEST_ANCHOR, "proof"), trust)
        care.show_misbehaviour(terminal, held)
        return 0
    from personactl_ledger.compare import compare as lay_beside
    from personactl_ledger.compare import read_side

    from personactl.render.outfile import require_new, write_new

    if output is not None:
        require_new(output)
    found = lay_beside(read_side(sides[0]), read_side(sides[1]), trust=trust)
    written = output if found.proof is not None else None
    if written is not None and found.proof is not None:
        write_new(written, found.proof.to_bytes())
    care.show_comparison(terminal, found, paths=(sides[0], sides[1]), proof=written)
    return found.exit_code
