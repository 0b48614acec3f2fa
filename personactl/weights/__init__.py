"""Reading a model folder that somebody else may have written: hash everything, run nothing.

    folder.py       walk without following links, hash every file from its opened descriptor, notice later changes
    kinds.py        which kinds of file may be there at all; pickle is found by its first bytes, not by its name
    configs.py      JSON configurations: bounded, and free of every key that makes a library import code
    tensors.py      the safetensors header (bounded JSON, ranges that cover the file exactly)
    pack.py         pack.json, the index of a personactl pack
    plain.py        names, versions and licences as short plain text
    names.py        under which name a model is shown
    licences.py     licence identifier, digest of its text, whether commercial use is allowed
    places.py       where the pocket pack and the operator's folders are

`generate`, `identity` and `doctor` build on it; nothing here imports torch, diffusers, onnx or insightface.
"""

from personactl.weights.folder import Folder, open_folder
from personactl.weights.names import is_built_in, model_name
from personactl.weights.pack import Calibration, IpAdapter, Pack, UpscalerFile, read_pack
from personactl.weights.places import locate, pocket_folder

__all__ = [
    "Calibration",
    "Folder",
    "IpAdapter",
    "Pack",
    "UpscalerFile",
    "is_built_in",
    "locate",
    "model_name",
    "open_folder",
    "pocket_folder",
    "read_pack",
]
