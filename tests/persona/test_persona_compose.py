"""The prompt: in the contract's order, without empty parts and repetitions."""

from __future__ import annotations

from typing import Any

import pytest

from personactl import manifest, persona
from personactl.model import Manifest, Persona
from personactl.persona.prompt import join_phrases

RECORD: dict[str, Any] = {
    "face": {"eyes": "green eyes", "shape": "oval face"},
    "hair": "long red hair",
    "wardrobe": {"default": "green coat"},
    "lighting": "soft light",
    "posture": "upright",
}


def who(**changes: Any) -> Persona:
    record = {**RECORD, **changes}
    return Persona(
        id="lira", version=1, name="Lira", origin="synthetic", record=record, record_sha256="0" * 64, folder="/p",
        references=(), frozen=True,
    )  # fmt: skip


def what(shot: str = "", *, style: str = "", scene: str = "", negative: str = "") -> Manifest:
    text = f"""schema = 1
campaign = {{ id = "a", persona = "lira@1" }}
[style]
{style}
[negative]
{negative}
[[scene]]
id = "night"
prompt = "night street"
{scene}
[[shot]]
id = "one"
prompt = "running"
{shot}
"""
    return manifest.parse(text.encode(), "m.toml")


def composed(found: Manifest, someone: Persona | None = None) -> tuple[str, str]:
    return persona.compose(someone or who(), found, found.shots[0])


def test_the_order_is_that_of_the_contract() -> None:
    found = what('scene = "night"\nmood = "determined"\nwardrobe = "red coat"', style='grain = "fine"\nlens = "35mm"')
    assert composed(found)[0] == (
        "Lira, oval face, green eyes, long red hair, upright, red coat, night street, running, determined, "
        "fine, 35mm, soft light"
    )


def test_the_persona_is_dressed_as_its_record_says_unless_the_shot_says_otherwise() -> None:
    assert "green coat" in composed(what())[0]
    prompt = composed(what('wardrobe = "red coat"'))[0]
    assert "red coat" in prompt
    assert "green coat" not in prompt


@pytest.mark.parametrize(
    ("shot", "style", "scene", "light"),
    [
        ("", "", "", "soft light"),
        ("", 'lighting = "warm light"', "", "warm light"),
        ('scene = "night"', 'lighting = "warm light"', 'lighting = "neon light"', "neon light"),
        ('scene = "night"', 'lighting = "warm light"', "", "warm light"),
        ("", 'lighting = "warm light"', 'lighting = "neon light"', "warm light"),
    ],
)
def test_there_is_one_light(shot: str, style: str, scene: str, light: str) -> None:
    prompt = composed(what(shot, style=style, scene=scene))[0]
    assert prompt.endswith(light)
    assert prompt.count("light") == 1


def test_the_scene_takes_the_place_of_the_styles_background() -> None:
    assert "plain wall" in composed(what(style='background = "plain wall"'))[0]
    assert "plain wall" not in composed(what('scene = "night"', style='background = "plain wall"'))[0]


def test_a_record_can_keep_name_and_traits_out_of_the_prompt() -> None:
    bare = who(prompt={"name": "", "traits": []}, wardrobe={}, lighting="")
    assert composed(what(), bare)[0] == "running"
    own = who(prompt={"traits": ["photo of a woman"]}, wardrobe={}, lighting="")
    assert composed(what(), own)[0] == "Lira, photo of a woman, running"


def test_negatives_are_added_up() -> None:
    found = what('negative = "hat, Freckles"', negative='text = "freckles, blurry"')
    assert composed(found)[1] == "freckles, blurry, hat"
    assert composed(what())[1] == ""


def test_phrases_are_plain() -> None:
    assert join_phrases(["  a\n b ,, c", "", "A b", " , "]) == "a b, c"
