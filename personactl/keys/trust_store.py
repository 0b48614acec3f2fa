"""The trust files that this user accepts: `$XDG_CONFIG_HOME/personactl/trust/<name>.json`.

Trust never comes from the working directory or from the folder under test: whoever writes the files there would
otherwise decide how they are judged.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from personactl.document import read_plain_file
from personactl.errors import ConflictError, EnvironmentProblem, StorageError, TrustError, UsageProblem
from personactl.keys import trust
from personactl.keys.strict_json import MAX_BYTES
from personactl.keys.trust import TrustFile

ENVIRONMENT = "PERSONACTL_TRUST"
"""Absolute paths of trust files, separated like PATH."""


def folder(env: Mapping[str, str]) -> Path:
    """The store of this user. Raises EnvironmentProblem for a user without a home folder, as in some containers.

    A relative XDG_CONFIG_HOME is ignored, as the XDG base directory specification says.
    """
    configured = env.get("XDG_CONFIG_HOME", "")
    try:
        home = Path(configured) if Path(configured).is_absolute() else Path(env.get("HOME") or Path.home()) / ".config"
    except RuntimeError:  # neither HOME nor an entry in the password database
        raise EnvironmentProblem(
            "this user has no home folder, so there is no place for accepted trust files",
            hint="set XDG_CONFIG_HOME, or name the files with --trust",
            code="trust.no-home",
        ) from None
    return home / "personactl" / "trust"


def add(data: bytes, *, path: str, env: Mapping[str, str], replace: bool = False) -> TrustFile:
    """Accept a trust file under its own name. Raises TrustError for a bad file, ConflictError when the name is taken.

    Adding the same bytes twice is not an error. `replace` swaps an older file of the same name.
    """
    parsed = trust.parse(data, path)
    target = folder(env) / f"{parsed.name}.json"
    if target.exists() and not replace:
        if target.read_bytes() == data:
            return parsed
        raise ConflictError(
            f"another trust file named {parsed.name!r} is already accepted",
            where=str(target),
            hint=f"compare them, then: personactl trust remove '{parsed.name}'",
            code="trust.name-taken",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(target, data)
    except OSError as error:
        raise StorageError(
            f"the trust file cannot be stored: {error.strerror}", where=str(target), hint="set XDG_CONFIG_HOME"
        ) from None
    return parsed


def list_all(env: Mapping[str, str]) -> tuple[TrustFile, ...]:
    """Every accepted trust file, by name. Raises TrustError when one no longer parses."""
    return tuple(read(path) for path in _stored(env))


def show(name: str, *, env: Mapping[str, str]) -> TrustFile:
    """One accepted trust file. Raises TrustError when there is none of that name."""
    return read(_named(name, env))


def remove(name: str, *, env: Mapping[str, str]) -> None:
    """Stop accepting a trust file. Raises TrustError when there is none of that name."""
    _named(name, env).unlink()


def load_all(files: Sequence[Path], env: Mapping[str, str]) -> tuple[TrustFile, ...]:
    """The trust of one command: `files` if any, else those named by PERSONACTL_TRUST, else the user's store.

    The first source that names a file decides alone, so that `--trust` can narrow what is accepted. Files with equal
    bytes count once. Raises TrustError; an empty result is not an error here.
    """
    named = [part for part in env.get(ENVIRONMENT, "").split(os.pathsep) if part]
    if files:
        found = tuple(read(path) for path in files)
    elif named:
        found = tuple(read(_absolute(part)) for part in named)
    else:
        found = list_all(env)
    return tuple({item.sha256: item for item in found}.values())


def read(path: Path) -> TrustFile:
    """Read and parse one trust file. Raises TrustError when it is missing, no plain file, or not a trust file."""
    return trust.parse(read_linked(path, MAX_BYTES, "trust file", code="trust.file-unreadable"), str(path))


def read_linked(path: Path, most: int, what: str, *, code: str) -> bytes:
    """The bytes of a file that a verifier trusts. Raises TrustError with `code` when it is missing or no plain file.

    A link is followed, as containers mount configuration through links; devices and pipes are not read.
    """
    try:
        return read_plain_file(Path(os.path.realpath(path)), most, what)
    except UsageProblem as problem:
        raise TrustError(
            problem.message, where=str(path), hint="check the path and its permissions", code=code
        ) from None


def _stored(env: Mapping[str, str]) -> list[Path]:
    """The files of the store, sorted; none for a user without a home folder, who can have stored none."""
    try:
        return sorted(folder(env).glob("*.json"))
    except EnvironmentProblem:
        return []


def _named(name: str, env: Mapping[str, str]) -> Path:
    for path in _stored(env):
        if path.stem == name:
            return path
    raise TrustError(
        f"no trust file named {name[:80]!r} is accepted",
        hint="personactl trust list",
        code="trust.name-unknown",
    )


def _absolute(part: str) -> Path:
    if not Path(part).is_absolute():
        raise TrustError(
            f"{ENVIRONMENT} names a relative path, which would depend on the working directory",
            where=part[:200],
            hint="use absolute paths",
            code="trust.path-relative",
        )
    return Path(part)


def _write(target: Path, data: bytes) -> None:
    """Write beside the target, sync, then rename, durably: a reader sees the old file or the new one."""
    staging = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        staging.replace(target)
    except BaseException:
        staging.unlink(missing_ok=True)
        raise
    parent = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
