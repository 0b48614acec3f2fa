"""`personactl init`: a project that works, all of it or nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from personactl.cli import scaffold
from personactl.cli.project import now, pasted
from personactl.cli.session import SessionCommand, pass_terminal
from personactl.errors import ConflictError, EnvironmentProblem, StorageError
from personactl.render.counts import counted
from personactl.render.terminal import Styled, Terminal

HARMLESS = frozenset({".git"})
"""What an empty project may hold already: nothing of the scaffold goes there."""


@click.command(cls=SessionCommand)
@click.argument("directory", metavar="[DIR]", type=click.Path(path_type=Path), default=".")
@click.option("--organisation", default=scaffold.ORGANISATION, show_default=True, help="Name in certificates.")
@click.option(
    "--domain", default=scaffold.DOMAIN, show_default=True, help="Domain; the ledger's origin begins with it."
)
@pass_terminal
def init(terminal: Terminal, *, directory: Path, organisation: str, domain: str) -> None:
    """Scaffold a project: config, persona, manifest, keys, ledger."""
    with _whole(directory) as staging:
        origin = _fill(staging, organisation=organisation, domain=domain)
        made = sorted(str(path.relative_to(staging)) for path in staging.rglob("*") if path.is_file())
    shown = "." if directory == Path() else str(directory)
    go = [] if shown == "." else [f"  cd {pasted(directory)}"]
    document = {"schema": "personactl.init/1", "project": shown, "origin": origin, "development": True, "files": made}
    terminal.result(
        document,
        [
            [Styled("project ", "dim"), Styled(shown, "bold"), f": {counted(len(made), 'file')}, ledger {origin}"],
            "the keys are development keys: not for release",
            "next:",
            *go,
            f"  personactl persona freeze {scaffold.PERSONA}@1",
            "  personactl plan manifests/first.toml",
            "  personactl run manifests/first.toml",
        ],
    )


def demo_persona() -> Path:
    """The demo persona's pictures: inside the installed package, or in a checkout beside pyproject.toml."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "demo_persona", package.parent / "fixtures" / "demo-persona"):
        if all((folder / name).is_file() for name in scaffold.PICTURES.values()):
            return folder
    raise EnvironmentProblem(
        "the demo persona is not in this installation",
        hint="install personactl from its wheel",
        code="cli.demo-missing",
    )


def _fill(folder: Path, *, organisation: str, domain: str) -> str:
    """Put every file of the scaffold into `folder` and return the ledger's origin."""
    from personactl_ledger import Ledger

    from personactl import __version__, config, continuity, keys, persona

    files = scaffold.files(name=organisation, domain=domain)
    project = config.parse(files[config.FILE_NAME], path=config.FILE_NAME, project=folder)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        _write_durably(folder / name, data)
    draft = persona.create(folder, scaffold.PERSONA)
    persona.update(folder, draft, *scaffold.persona(demo_persona(), draft.record))
    moment = now()
    keys.create_development(project.keys_path, organisation=organisation, domain=domain, now=moment)
    keyset = keys.load(project.keys_path)
    with Ledger.create(
        project.ledger_path, domain=domain, development=True, root=keyset.root,
        operator_public=keyset.operator.public_key, log=keyset.log, now=moment,
    ) as ledger:  # fmt: skip
        ledger.checkpoint(keyset.log, now=moment)
        continuity.begin(folder, ledger)
        origin = ledger.origin
    trust = keys.export_trust(keyset, name=domain, origin=origin, detector=f"personactl {__version__}", now=moment)
    _write_durably(project.trust_path, trust)
    return origin


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A staging folder whose content becomes `target` when the block succeeds; on any error nothing is left.

    A new folder appears by one rename. An existing empty one keeps its identity (a shell may stand in it), so its
    entries are moved in one by one, personactl.toml last: without that file there is no project. Everything is durable
    when this returns.
    """
    _refuse_taken(target)
    existed = target.is_dir()
    try:
        if not existed:
            target.parent.mkdir(parents=True, exist_ok=True)
        staging = (target if existed else target.parent) / f".personactl-init-{secrets.token_hex(8)}"
        staging.mkdir()
    except OSError as error:
        raise StorageError(
            f"cannot make the project: {error.strerror}", where=str(target), hint="choose another place"
        ) from error
    try:
        yield staging
        for folder in [staging, *(path for path in staging.rglob("*") if path.is_dir())]:
            _sync_folder(folder)
        if existed:
            _move_in(staging, target)
        else:
            staging.rename(target)
            _sync_folder(target.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _move_in(staging: Path, target: Path) -> None:
    moved: list[Path] = []
    try:
        for entry in sorted(staging.iterdir(), key=lambda path: path.name == "personactl.toml"):
            if entry.name == "personactl.toml":
                _sync_folder(target)  # what makes it a project comes last, also after a power cut
            entry.rename(target / entry.name)
            moved.append(target / entry.name)
        _sync_folder(target)
    except BaseException:
        for path in moved:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        raise


def _refuse_taken(target: Path) -> None:
    if target.is_dir():
        taken = sorted(entry.name for entry in target.iterdir() if entry.name not in HARMLESS)
        if not taken:
            return
        found = ", ".join(taken[:3]) + (", …" if len(taken) > 3 else "")
        message = f"the folder is not empty ({found})"
    elif os.path.lexists(target):
        message = "this is a file, not a folder"
    else:
        return
    raise ConflictError(message, where=str(target), hint="name a new folder: personactl init DIR", code="cli.not-empty")
