"""Where a model folder is: the pocket pack, or a folder that the manifest names. No link is followed."""

from __future__ import annotations

import stat
from pathlib import Path

from personactl.errors import WeightsError

POCKET = "pocket"


def pocket_folder() -> Path:
    """The embedded pack: inside the installed package, or in a checkout beside pyproject.toml.

    Raises WeightsError (weights.missing) when neither place holds a pack.json.
    """
    package = Path(__file__).resolve().parents[1]
    inside = package / "pocket_pack"
    if (inside / "pack.json").is_file():
        return inside
    checkout = package.parent
    beside = checkout / "fixtures" / "pocket"
    if (checkout / "pyproject.toml").is_file() and (beside / "pack.json").is_file():
        return beside
    raise WeightsError(
        "the pocket pack is not in this installation",
        hint="install personactl from its wheel, or name a local folder under [model] path",
        code="weights.missing",
    )


def locate(path: str, project: Path) -> Path:
    """The real folder behind `path` ("pocket", or a folder relative to the project or absolute).

    Beneath the project no component may be a symbolic link; outside of it, the folder itself may not be one.
    Raises WeightsError: weights.missing, weights.symlink.
    """
    if path == POCKET:
        return pocket_folder()
    if not path or "\0" in path:
        raise WeightsError("the model folder has no name", hint="set [model] path", code="weights.missing")
    given = project / path
    for component in _checked_components(given, project):
        if component.is_symlink():
            raise WeightsError(
                "a model folder may not be reached through a symbolic link",
                where=_shown(component, project),
                hint="name the real folder, or copy it with `cp -rL`",
                code="weights.symlink",
            )
    try:
        mode = given.lstat().st_mode
    except OSError:
        mode = 0
    if not stat.S_ISDIR(mode):
        raise WeightsError(
            "there is no model folder here",
            where=_shown(given, project),
            hint='download the model into this folder first (personactl never downloads), or use path = "pocket"',
            code="weights.missing",
        )
    return given.resolve()


def _checked_components(given: Path, project: Path) -> list[Path]:
    if not given.is_relative_to(project):
        return [given]
    beneath = given.relative_to(project)
    return [project.joinpath(*beneath.parts[:n]) for n in range(1, len(beneath.parts) + 1)]


def _shown(path: Path, project: Path) -> str:
    return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)
