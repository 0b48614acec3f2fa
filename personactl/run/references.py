"""Reference pictures of a persona: read once, compared with their digests, turned into what model and scorer need."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from personactl.disclose import formats
from personactl.document import read_plain_file
from personactl.errors import PersonaError
from personactl.model import Persona, Shot
from personactl.run.context import Embedder, Scorer

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

FORMATS = tuple(row.pillow for row in formats.FORMATS)
"""Those of which a reference can be enrolled."""
MAX_BYTES = 64 << 20
MAX_PIXELS = 64_000_000


class References:
    """The pictures of one persona version. Nothing is read before it is needed, and nothing twice."""

    def __init__(self, project: Path, persona: Persona) -> None:
        self._project = project
        self._persona = persona
        self._files: dict[str, bytes] = {}
        self._pictures: dict[str, Array] = {}
        self._embeddings: dict[str, Array] = {}

    def template(self, scorer: Scorer) -> Any:
        """The scorer's template of all reference pictures. Raises PersonaError, UsageProblem (file.*)."""
        uses = self._persona.references
        folder = Path(self._persona.folder)
        pictures = [self._picture(folder / use.path, use.sha256) for use in uses]
        return scorer.template(pictures, [use.path for use in uses])

    def conditioning(self, shot: Shot, embedder: Embedder) -> Array:
        """(references, width) float32 unit rows in the order of `shot.references`.

        Raises PersonaError (persona.reference-faceless) for a picture in which the embedder finds no certain face.
        """
        return np.stack([self._embedding(Path(use.path), use.sha256, embedder) for use in shot.references])

    def files(self, shot: Shot) -> tuple[bytes, ...]:
        """The bytes of the reference files that condition a shot, in the order of `shot.references`."""
        return tuple(self._file(Path(use.path), use.sha256) for use in shot.references)

    def _embedding(self, path: Path, sha256: str, embedder: Embedder) -> Array:
        if sha256 not in self._embeddings:
            found = embedder.embed(self._picture(path, sha256))
            if found is None:
                raise PersonaError(
                    "no face was found in a reference picture that is to condition the model",
                    where=path.name,
                    hint="name other [reference] roles in the manifest",
                    code="persona.reference-faceless",
                )
            self._embeddings[sha256] = np.asarray(found, dtype=np.float32)
        return self._embeddings[sha256]

    def _picture(self, path: Path, sha256: str) -> Array:
        """uint8 RGB, shape (height, width, 3), decoded from the very bytes that were hashed."""
        if sha256 not in self._pictures:
            self._pictures[sha256] = _decode(self._file(path, sha256), path)
        return self._pictures[sha256]

    def _file(self, path: Path, sha256: str) -> bytes:
        if sha256 not in self._files:
            data = read_plain_file(self._project / path, MAX_BYTES, "reference picture")
            if hashlib.sha256(data).hexdigest() != sha256:
                raise PersonaError(
                    "a reference picture is not the one that the persona record names",
                    where=str(path),
                    hint="restore it, or make a new version with `personactl persona new --from`",
                    code="persona.reference-altered",
                )
            self._files[sha256] = data
        return self._files[sha256]


def _decode(data: bytes, path: Path) -> Array:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ValueError(f"it has more than {MAX_PIXELS} pixels")
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PersonaError(
            f"a reference picture cannot be read: {error}",
            where=str(path),
            hint="a reference is a PNG, JPEG, WebP, AVIF or TIFF picture",
            code="persona.reference-unreadable",
        ) from error
