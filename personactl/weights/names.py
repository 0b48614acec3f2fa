"""Under which name a model is shown.

A pack names itself, so its name proves nothing. Only the pack that ships with personactl, recognised by the digest of
its pack.json (which lists every other file), is shown as `name@version`; any other folder is shown by its own name, in
which `@` cannot stand.
"""

from __future__ import annotations

import hashlib

from personactl.errors import WeightsError
from personactl.weights.folder import Folder
from personactl.weights.pack import INDEX, Pack
from personactl.weights.places import pocket_folder

MAX_SHOWN = 64


def model_name(folder: Folder, pack: Pack | None) -> str:
    """`name@version` of the built-in pack, else the folder's name, 1 to 64 letters, digits and ` ._+-`."""
    if pack and is_built_in(folder):
        return f"{pack.name}@{pack.version}"
    plain = (character if character.isalnum() or character in " ._+-" else "_" for character in folder.root.name)
    return "".join(plain).strip()[:MAX_SHOWN] or "model"


def is_built_in(folder: Folder) -> bool:
    """True when the pack.json in `folder` is, byte for byte, that of the pack that ships with personactl."""
    index = folder.digest_of(INDEX)
    try:
        own = (pocket_folder() / INDEX).read_bytes()
    except (WeightsError, OSError):
        return False
    return index is not None and index.sha256 == hashlib.sha256(own).hexdigest()
