"""What every command shares: the terminal, the global options, and the lazy group that keeps `--help` fast."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from personactl.render.terminal import Terminal


def _set(name: str) -> Any:
    """A callback that stores a given option on the Session of this invocation and keeps it from the command."""

    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        terminal = context.find_object(Terminal)
        if terminal is None or value is None or value is False:
            return
        if name == "color":
            terminal.color = value
        elif name == "json":
            terminal.json = True
        elif name in ("quiet", "verbose"):
            terminal.verbosity = -1 if name == "quiet" else int(value) or terminal.verbosity

    return callback


def _globals(*, hidden: bool) -> list[click.Parameter]:
    shared: dict[str, Any] = {"expose_value": False, "is_eager": True, "hidden": hidden}
    colors = click.Choice(["auto", "always", "never"])
    return [
        click.Option(["-q", "--quiet"], is_flag=True, callback=_set("quiet"), help="Drop notes on stderr.", **shared),
        click.Option(["-v", "--verbose"], count=True, callback=_set("verbose"), help="Say more on stderr.", **shared),
        click.Option(["--no-input"], is_flag=True, callback=_set("no_input"), help="Never ask.", **shared),
        click.Option(["--color"], type=colors, default=None, callback=_set("color"), help="Use colour.", **shared),
    ]


class SessionCommand(click.Command):
    """A command with `--json`; the global options are accepted after it as well as before it."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        document = click.Option(
            ["--json"], is_flag=True, expose_value=False, is_eager=True, callback=_set("json"),
            help="One JSON document on stdout, also for an error.",
        )  # fmt: skip
        self.params += [document, *_globals(hidden=True)]


class SessionGroup(click.Group):
    """A group of SessionCommands, listed in the order they were written."""

    command_class = SessionCommand

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.params += _globals(hidden=True)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run; their one-line help stands here as text.

    `lazy` maps a command's name to ("module:attribute", one-line help). A test compares each line with the real one.
    """

    def __init__(self, *arguments: Any, lazy: Mapping[str, tuple[str, str]], **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.lazy = lazy
        self.params += _globals(hidden=False)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        module, attribute = self.lazy[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.lazy.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=text) for name, (_, text) in self.lazy.items() if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]


pass_terminal = click.make_pass_decorator(Terminal)
