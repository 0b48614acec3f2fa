"""`personactl policy`: the regimes as data."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from personactl.cli.session import SessionGroup, pass_terminal
from personactl.cli.unavailable import add_refusing
from personactl.document.numbers import decimal_text
from personactl.render.columns import columns
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl.policy import Policy, Rule


@click.group(cls=SessionGroup)
def policy() -> None:
    """Show the regimes as data, with sources."""


@policy.command("list")
@pass_terminal
def list_(terminal: Terminal) -> None:
    """List the policies that are built in."""
    from personactl import policy as room

    loaded = [room.load(policy_id) for policy_id in room.builtin_ids()]
    rows = [(item.id, str(len(item.rules)), item.title) for item in loaded]
    document = [{"id": item.id, "title": item.title, "sha256": item.sha256} for item in loaded]
    lines = columns(("ID", "RULES", "TITLE"), rows, terminal.width(terminal.out))
    terminal.result({"schema": "personactl.policy-list/1", "policies": document}, lines)


@policy.command()
@click.argument("policy_id", metavar="ID")
@pass_terminal
def show(terminal: Terminal, *, policy_id: str) -> None:
    """Show every rule of a policy with its source."""
    from personactl import policy as room

    item = room.load(policy_id)
    terminal.line(Styled(item.id, "bold"), f"  {item.title}")
    terminal.prose(item.summary)
    terminal.line(Styled(f"sha256 {item.sha256}", "dim"))
    for line in _label_lines(item):
        terminal.line(*([line] if isinstance(line, str | Styled) else line))
    for rule in item.rules:
        _show_rule(terminal, rule)
    terminal.result({"schema": "personactl.policy-show/1", **_document(item)})


def _label_lines(item: Policy) -> Iterator[Line]:
    """How the visible label looks, where the policy asks for one."""
    from personactl.policy import LABEL_CHECK, LABEL_WORDS

    if not any(rule.check == LABEL_CHECK for rule in item.rules):
        return
    label = item.label
    texts = " or ".join(
        " ".join(("AI", *(LABEL_WORDS[language][made] for language in label.languages))) for made in (0, 1)
    )
    yield ""
    yield [Styled("label", "bold"), f"  {texts}"]
    yield f"  letters {_percent(label.height)} of the shorter side, at least {_percent(label.least_height)}"
    yield f"  {', else '.join(label.places)}; {_percent(label.margin)} from the edges"


def _percent(fraction: str) -> str:
    return f"{decimal_text(Decimal(fraction) * 100)} %"


def _show_rule(terminal: Terminal, rule: Rule) -> None:
    terminal.line()
    terminal.line(Styled(rule.id, "bold"), f"  {rule.severity}, binds {rule.binds}, check {rule.check}")
    terminal.prose(rule.text, indent="  ")
    confirmed = "source read" if rule.confirmed else "source not read first-hand: warns, never blocks"
    terminal.line(Styled(f"  {rule.source} ({rule.read_on}; {confirmed})", "dim"))
    if rule.url:
        terminal.line(Styled(f"  {rule.url}", "dim"))


def _document(item: Policy) -> dict[str, Any]:
    names = ("id", "text", "binds", "severity", "check", "source", "url", "confirmed")
    rules = [{**{name: getattr(rule, name) for name in names}, "readOn": rule.read_on} for rule in item.rules]
    label = item.label
    return {
        "id": item.id,
        "title": item.title,
        "summary": item.summary,
        "sha256": item.sha256,
        "label": {
            "languages": list(label.languages),
            "height": label.height,
            "leastHeight": label.least_height,
            "margin": label.margin,
            "places": list(label.places),
        },
        "rules": rules,
    }


add_refusing(policy, {"check": "Check a policy file of your own."})
