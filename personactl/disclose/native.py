"""Which native library c2pa-python loads: its own, and no other.

On import c2pa-python 0.38 looks for its library in the working folder, in `./artifacts` and in `./libs` before its own
package, and runs what it finds. A recipient stands in the folder of files that a stranger delivered. So the absolute
path of the packaged library is given by the one variable that is asked first, after the library has proven to load:
the search that follows a failure would look into the working folder again.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from personactl.errors import EnvironmentProblem

VARIABLE = "C2PA_LIBRARY_NAME"
_NAMES = ("libc2pa_c.so", "libc2pa_c.dylib", "c2pa_c.dll")


def packaged_library() -> Path:
    """The library inside the installed package. Raises EnvironmentProblem when there is none that loads."""
    spec = importlib.util.find_spec("c2pa")
    if spec is None or spec.origin is None:
        raise _unfit("c2pa-python is not installed")
    package = Path(spec.origin).resolve().parent
    for place in (package / "libs", package):
        for path in sorted(found for name in _NAMES for found in place.glob(f"**/{name}")):
            try:
                ctypes.CDLL(str(path))
            except OSError as error:
                raise _unfit(f"the library of c2pa-python does not load: {error}") from None
            return path
    raise _unfit("the library of c2pa-python is missing from its package")


@contextmanager
def only_packaged_library() -> Iterator[None]:
    """Import c2pa inside this block."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(packaged_library())
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def _unfit(message: str) -> EnvironmentProblem:
    return EnvironmentProblem(message, hint="pip install --force-reinstall c2pa-python", code="c2pa.library-unfit")
