"""The prompt that reaches the model: composed from record and manifest, never typed twice.

Order: name, fixed traits, wardrobe, scene, shot, mood, style block; light comes last within the style. The result is
plain comma-separated phrases; empty parts vanish and a phrase that already stands is not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from personactl.model import Manifest, Persona, SceneSpec, ShotSpec
from personactl.persona.record import FACE


def compose(persona: Persona, manifest: Manifest, shot: ShotSpec) -> tuple[str, str]:
    """(prompt, negative) of a shot. The shot's scene, if it names one, must exist in the manifest."""
    scene = next((scene for scene in manifest.scenes if scene.id == shot.scene), None)
    wardrobe = shot.wardrobe or persona.record.get("wardrobe", {}).get("default", "")
    parts = [
        *_identity(persona),
        wardrobe,
        scene.prompt if scene else "",
        shot.prompt,
        shot.mood,
        *_style(persona, manifest, scene),
    ]
    return join_phrases(parts), join_phrases((manifest.negative, shot.negative))


def join_phrases(parts: Iterable[str]) -> str:
    """Phrases separated by ", ": blanks collapsed, empty ones and repetitions (whatever their case) left out."""
    kept: dict[str, str] = {}
    for part in parts:
        for phrase in part.split(","):
            plain = " ".join(phrase.split())
            if plain:
                kept.setdefault(plain.casefold(), plain)
    return ", ".join(kept.values())


def _identity(persona: Persona) -> Iterator[str]:
    """Name and fixed traits; the record's own "prompt" replaces either."""
    record = persona.record
    own = record.get("prompt", {})
    yield own.get("name", persona.name)
    if "traits" in own:
        yield from own["traits"]
        return
    face = record.get("face", {})
    yield from (face.get(name, "") for name in FACE)
    yield from (record.get(name, "") for name in ("hair", "body", "posture"))


def _style(persona: Persona, manifest: Manifest, scene: SceneSpec | None) -> Iterator[str]:
    """The style block as written. One light only: the scene's, else the style's, else the persona's."""
    style = dict(manifest.style)
    own = style.pop("lighting", "")
    if scene is not None:
        # A place that the scene names replaces the style's.
        style.pop("background", None)
    yield from style.values()
    yield (scene.lighting if scene else "") or own or persona.record.get("lighting", "")
