"""`personactl persona`: write, show and freeze persona records."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from personactl.cli.project import here, now, shown
from personactl.cli.session import SessionGroup, pass_terminal
from personactl.cli.unavailable import add_refusing
from personactl.errors import UsageProblem
from personactl.render.columns import columns
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl.model import Persona


@click.group(cls=SessionGroup)
def persona() -> None:
    """Write, show and freeze persona records."""


@persona.command()
@click.argument("persona_id", metavar="ID")
@click.option("--from", "parent", metavar="ID@V", help="Copy this version; it becomes the parent.")
@click.option("--source", type=click.Path(path_type=Path), metavar="DIR", help="Import a record and its references.")
@pass_terminal
def new(terminal: Terminal, *, persona_id: str, parent: str | None, source: Path | None) -> None:
    """Make the next version of a persona, to be edited."""
    from personactl import persona as room

    version = None
    if parent is not None:
        owner, version = named(parent)
        if owner != persona_id or source is not None:
            raise UsageProblem(
                "--from takes a version of the same persona, and no --source beside it", code="cli.persona-parent",
                hint=f"personactl persona new {owner} --from {parent}",
            )  # fmt: skip
    made = room.create(here().project, persona_id, from_version=version, source=source)
    document = {"schema": "personactl.persona-new/1", **_summary(made)}
    terminal.result(
        document, [[Styled(f"{made.id}@{made.version}", "bold"), f": edit {_record(made)}, then freeze it"]]
    )


@persona.command()
@click.argument("reference", metavar="ID@V")
@pass_terminal
def show(terminal: Terminal, *, reference: str) -> None:
    """Show one version and check its references."""
    from personactl import persona as room

    item = room.load(here().project, *named(reference))
    document = {"schema": "personactl.persona-show/1", **_summary(item), "record": dict(item.record)}
    terminal.result(document, _lines(item))


@persona.command("list")
@pass_terminal
def list_(terminal: Terminal) -> None:
    """List every version of every persona."""
    from personactl import persona as room

    items = room.list_all(here().project)
    rows = [(f"{item.id}@{item.version}", _state(item), item.origin, item.name) for item in items]
    lines = columns(("PERSONA", "STATE", "ORIGIN", "NAME"), rows, terminal.width(terminal.out))
    document = {"schema": "personactl.persona-list/1", "personas": [_summary(item) for item in items]}
    terminal.result(document, lines or ["no persona yet; `personactl persona new ID` makes one"])


@persona.command()
@click.argument("reference", metavar="ID@V")
@pass_terminal
def enrol(terminal: Terminal, *, reference: str) -> None:
    """Give each reference picture a credential; note what it says."""
    from personactl import casting, keys
    from personactl import persona as room
    from personactl.render import findings

    config = here()
    draft = room.load(config.project, *named(reference))
    done = casting.enrol(config, keys.load(config.keys_path), draft, now=now)
    document = {
        "schema": "personactl.persona-enrol/1", **_summary(done.persona), "signed": list(done.signed),
        "kept": list(done.kept), "findings": findings.document(done.findings),
    }  # fmt: skip
    findings.show(terminal, done.findings)
    name = Styled(f"{draft.id}@{draft.version}", "bold")
    signed, kept = len(done.signed), len(done.kept)
    terminal.result(document, [[name, f": {signed} reference pictures signed, {kept} had a credential already"]])


@persona.command()
@click.argument("reference", metavar="ID@V")
@pass_terminal
def freeze(terminal: Terminal, *, reference: str) -> None:
    """Sign a version into the ledger; it never changes then."""
    from personactl import casting, keys
    from personactl import persona as room
    from personactl.render import findings

    config = here()
    persona_id, version = named(reference)
    draft = room.load(config.project, persona_id, version)
    done = casting.freeze(config, keys.load(config.keys_path), draft, now=now)
    document = {
        "schema": "personactl.persona-freeze/1", **_summary(done.persona), "entryIndex": done.entry_index,
        "origin": done.origin, "already": done.already,
        "signed": list(done.enrolment.signed if done.enrolment else ()),
    }  # fmt: skip
    if done.enrolment is not None:
        findings.show(terminal, done.enrolment.findings)
    state = "was frozen already" if done.already else "is frozen"
    name = Styled(f"{persona_id}@{version}", "bold")
    lines: list[Line] = [[name, f" {state}: ledger entry #{done.entry_index}"]]
    if done.enrolment is not None and done.enrolment.signed:
        lines.append(f"  {len(done.enrolment.signed)} reference pictures signed, beside the originals")
    terminal.result(document, lines)


def named(text: str) -> tuple[str, int]:
    """`ID@V` as (id, version). Raises UsageProblem."""
    match = re.fullmatch(r"([^@]+)@([1-9][0-9]{0,5})", text)
    if match is None:
        raise UsageProblem(
            f"a persona version is written ID@V, not {text[:80]!r}", code="cli.persona-reference",
            hint="for example lira@1; `personactl persona list` shows all",
        )  # fmt: skip
    return match[1], int(match[2])


def _state(item: Persona) -> str:
    return "frozen" if item.frozen else "draft"


def _record(item: Persona) -> str:
    return shown(Path(item.folder) / "persona.json")


def _summary(item: Persona) -> dict[str, Any]:
    return {
        "id": item.id,
        "version": item.version,
        "name": item.name,
        "origin": item.origin,
        "frozen": item.frozen,
        "recordSha256": item.record_sha256,
        "path": _record(item),
    }


def _lines(item: Persona) -> list[Line]:
    lines: list[Line] = [
        [Styled(f"{item.id}@{item.version}", "bold"), f"  {item.name}, {item.origin}, {_state(item)}"],
        [Styled("record     ", "dim"), _record(item)],
        [Styled("sha256     ", "dim"), item.record_sha256],
    ]
    for reference in item.references:
        about = ", ".join(part for part in (reference.license, reference.source) if part)
        lines.append([Styled("reference  ", "dim"), f"{reference.role:<14}{reference.path}  {about}".rstrip()])
        lines += [[Styled("  mark     ", "dim"), f"{'':<14}{mark}"] for mark in reference.marks]
    return lines


add_refusing(
    persona,
    {
        "diff": "Compare two versions.",
        "sheet": "Make the reference sheet.",
        "hero": "Choose the hero picture out of many.",
        "calibrate": "Measure the threshold of this persona.",
        "train": "Train an adapter for this persona.",
    },
)
