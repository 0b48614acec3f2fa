"""`keys/.rotation`: what a rotation is about to put in place, so that a crash at any point can be gone on from.

    rotation.json     the role, the names of both keys, and the options it was begun with
    <key files>       the new ones; each leaves this folder when it takes the place of the old one

The folder appears whole, by one rename, and the rotation is over when rotation.json has gone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from personactl_ledger.encoding import from_base64

from personactl.errors import KeyProblem
from personactl.keys import layout
from personactl.keys.material import FILES, Material
from personactl.keys.strict_json import StrictJSONError, parse_object

SCHEMA = "personactl.rotation/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. `compromised_since` is the first entry that is not to be believed, None for a retirement."""

    role: str
    keep_old: bool = False
    compromised_since: int | None = None
    reason: str = ""
    unlist_old: bool = False

    def words(self) -> str:
        """The command line that asks for it, without the reason."""
        since = "" if self.compromised_since is None else f" --compromised-since {self.compromised_since} --reason …"
        flags = (" --keep-old" if self.keep_old else "") + (" --unlist-old" if self.unlist_old else "")
        return f"personactl keys rotate {self.role}{since}{flags}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A rotation that is under way: `old` and `new` name the keys (key ids, or fingerprints of C2PA leaves), `files`
    are those of the new one."""

    request: Request
    old: str
    new: str
    files: tuple[str, ...]


def find(folder: Path) -> Begun | None:
    """The rotation that was begun and not finished. Raises KeyProblem when its file cannot be read."""
    place = folder / layout.ROTATION
    if not (place / layout.ROTATION_MARK).exists():
        return None
    try:
        said = parse_object(layout.read(place, layout.ROTATION_MARK))
        if said.pop("schema") != SCHEMA:
            raise KeyError("schema")
        begun = Begun(request=Request(**said.pop("request")), files=tuple(said.pop("files")), **said)
        if begun.request.role not in FILES or not set(begun.files) <= set(FILES[begun.request.role]):
            raise KeyError("role")
    except (StrictJSONError, TypeError, KeyError, AttributeError):
        raise KeyProblem(
            f"{layout.ROTATION_MARK} is not what a rotation writes",
            where=str(place / layout.ROTATION_MARK),
            hint="compare the keys beside it with `personactl ledger log --kind key-add`",
            code="keys.rotation-unfinished",
        ) from None
    return begun


def begin(folder: Path, request: Request, material: Material) -> Begun:
    """Put the new keys down, all of them or none. Raises OSError."""
    begun = Begun(request=request, old=material.old, new=material.new, files=tuple(material.files))
    mark = json.dumps({"schema": SCHEMA, **asdict(begun)}, indent=2, ensure_ascii=False).encode() + b"\n"
    if (folder / layout.ROTATION).is_dir():  # its mark is gone: it was over when a process died
        shutil.rmtree(folder / layout.ROTATION)
    layout.fill(folder, layout.ROTATION, {**material.files, layout.ROTATION_MARK: mark})
    return begun


def untouched(folder: Path, begun: Begun) -> bool:
    """Whether no new file has taken the place of an old one yet."""
    return all((folder / layout.ROTATION / name).exists() for name in begun.files)


def end(folder: Path) -> None:
    """The rotation is over, finished or refused: nothing is left to go on from. Raises OSError."""
    (folder / layout.ROTATION / layout.ROTATION_MARK).unlink()
    layout.sync_folder(folder / layout.ROTATION)
    shutil.rmtree(folder / layout.ROTATION)
    layout.sync_folder(folder)


def keep(folder: Path, begun: Begun) -> Path:
    """Copy the old files to keys/old/<role>-<name>; nothing happens when they are there. Raises OSError.

    Called before the first of them is replaced, so the copy is whole or not there.
    """
    place = _kept(folder, begun)
    place.parent.mkdir(mode=layout.FOLDER_MODE, exist_ok=True)
    if not place.exists():
        present = [file for file in FILES[begun.request.role] if (folder / file).exists() and file != layout.INDEX]
        layout.fill(place.parent, place.name, {file: layout.read(folder, file) for file in present})
        layout.sync_folder(folder)
    return place


def forget(folder: Path, begun: Begun) -> None:
    """Remove the copy of a key that is in use after all. Raises OSError."""
    if _kept(folder, begun).is_dir():
        shutil.rmtree(_kept(folder, begun))


def install(folder: Path, begun: Begun, passed: Callable[[str], None]) -> None:
    """Move each new file over the old one, which is destroyed by that. Raises OSError."""
    place = folder / layout.ROTATION
    for name in FILES[begun.request.role]:
        if (place / name).exists():
            (place / name).replace(folder / name)
        elif name not in begun.files:  # the new ledger key has no second half
            (folder / name).unlink(missing_ok=True)
        passed(f"installed {name}")
    layout.sync_folder(folder)
    layout.sync_folder(place)


def _kept(folder: Path, begun: Begun) -> Path:
    return folder / layout.OLD / f"{begun.request.role}-{_short(begun.old)}"


def _short(name: str) -> str:
    """Twelve hex digits of a key id or a fingerprint."""
    return from_base64(name.removeprefix("SHA256:")).hex()[:12] if name.startswith("SHA256:") else name[:12]
