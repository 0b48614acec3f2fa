"""The help: static text equals the real one, every command of the product is there, the exit codes are the contract."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from personactl import errors
from personactl.cli import exits
from personactl.cli.root import COMMANDS, root

PRODUCT = (
    "init doctor keys trust persona plan run status review approve release verify adopt replay "
    "ledger audit policy explain"
)
SUBCOMMANDS = {
    "keys": "init csr import new check export rotate revoke enrol approvers witnesses",
    "trust": "add list show remove",
    "persona": "new show list enrol diff sheet hero freeze calibrate train",
    "ledger": "log show check prove checkpoint witness timestamp export erase backup restore compare merge",
    "audit": "report export query datasette",
    "policy": "list show check",
}
CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 20, 75, 130, 143}


def context() -> click.Context:
    return click.Context(root, info_name="personactl")


def commands() -> dict[str, click.Command]:
    """Every command by its full name, groups included."""
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        command = root.get_command(context(), name)
        assert command is not None
        found[name] = command
        found |= _inner(name, command)
    return found


def _inner(name: str, command: click.Command) -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for inner, below in command.commands.items() if isinstance(command, click.Group) else ():
        found |= {f"{name} {inner}": below, **_inner(f"{name} {inner}", below)}
    return found


def test_every_command_of_the_product_is_there() -> None:
    assert list(COMMANDS) == PRODUCT.split()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_static_help_line_is_the_real_one(name: str) -> None:
    command = commands()[name]
    assert COMMANDS[name][1] == command.get_short_help_str(limit=200)
    assert command.name == name


@pytest.mark.parametrize("group", SUBCOMMANDS)
def test_a_group_has_exactly_the_subcommands_of_the_product(group: str) -> None:
    command = commands()[group]
    assert isinstance(command, click.Group)
    assert sorted(command.commands) == sorted(SUBCOMMANDS[group].split())


@pytest.mark.parametrize("name", [name for name, command in commands().items() if not isinstance(command, click.Group)])
def test_every_command_takes_json_and_the_global_options(name: str) -> None:
    options = {option for parameter in commands()[name].params for option in parameter.opts}
    assert {"--json", "-q", "-v", "--no-input", "--color"} <= options


@pytest.mark.parametrize("name", commands())
def test_every_help_text_is_a_short_sentence(name: str) -> None:
    text = commands()[name].get_short_help_str(limit=200)
    assert text.endswith(".")
    assert len(text) <= 60
    assert "..." not in commands()[name].get_short_help_str(limit=63)  # what an 80 column terminal leaves


def test_the_readme_names_the_same_exit_codes(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    paragraph = text[text.index("Exit codes: ") + len("Exit codes: ") :].split("\n\n")[0]
    named = [item.split()[0] for item in paragraph.replace("\n", " ").split("·")]
    assert {int(code) for item in named for code in item.split("/")} == CODES


def test_the_exit_codes_are_those_of_the_contract_and_stand_in_the_help() -> None:
    assert set(exits.TABLE) == CODES
    assert {getattr(errors, name) for name in dir(errors) if name.startswith("EXIT_")} == CODES
    shown = root.get_help(context())
    assert [code for code, meaning in exits.TABLE.items() if f"{code:>3}  {meaning}" not in shown] == []
