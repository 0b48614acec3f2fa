"""Every key of a manifest, as data. Checking, the editor schema, the reference page and "not available yet" follow it.

Source: the product contract's manifest. To make a documented feature available, remove its `later` mark here.
"""

from __future__ import annotations

from personactl.document.keys import Key, Rows, Section
from personactl.document.kinds import (
    IDENT_REGEX,
    Choice,
    Either,
    Flag,
    Ident,
    InsidePath,
    Number,
    Pattern,
    Several,
    Text,
    Version,
    Whole,
)

MAX_SHOTS = 10_000
MAX_SEED = 2**63 - 1
ROLES = ("hero", "front", "three-quarter", "profile", "expression", "other")

IDENT = Ident()
_PERSONA = Pattern(
    regex=IDENT_REGEX + "@[1-9][0-9]{0,5}",
    means="a persona and its version",
    hint='write it as "lira@2"',
)
_PROMPT = Text(most=2000, lines=True)
_PHRASE = Text(most=200)

CAMPAIGN = Section(
    name="[campaign]",
    doc="Whose pictures these are and under which rules they are made.",
    keys=(
        Key(name="id", kind=IDENT, required=True, doc="Name of the campaign; run ids begin with it."),
        Key(name="persona", kind=_PERSONA, required=True, doc="Persona id and version, `id@version`."),
        Key(name="policies", kind=Several(item=IDENT, most=16), doc="Policy files; the baseline always applies too."),
        Key(
            name="role",
            kind=Choice(now=("provider", "deployer", "both")),
            doc="Your part under the AI Act: who made the system, who uses it, or both (the default).",
        ),
        Key(name="commercial", kind=Flag(), doc="Commercial use: non-commercial weights are refused."),
    ),
)
_LORA = Section(
    name="[[model.lora]]",
    keys=(
        Key(name="path", kind=InsidePath(), required=True, doc="Adapter file."),
        Key(name="weight", kind=Number(least=-4, most=4), required=True, doc="Strength of the adapter."),
    ),
)
MODEL = Section(
    name="[model]",
    doc="The generator and its settings. What is left out is the model's own default.",
    keys=(
        Key(name="backend", kind=Choice(now=("diffusers",), later=("exec",)), doc="Program that runs the model."),
        Key(name="path", kind=InsidePath(), doc="`pocket`, the built-in pack, or a model folder of the project."),
        Key(name="profile", kind=Choice(now=("exact",), later=("fast",)), doc="`exact` repeats bit by bit."),
        Key(name="steps", kind=Whole(least=1, most=500), doc="Denoising steps."),
        Key(name="guidance", kind=Number(least=0, most=100), doc="Weight of the text (classifier-free guidance)."),
        Key(
            name="scheduler",
            kind=Pattern(regex=r"[a-z0-9][a-z0-9+_-]{0,39}", means="the name of a scheduler"),
            doc="Sampler, by the name that the model lists.",
        ),
        Key(name="lora", kind=Rows(section=_LORA, most=8), later=True, doc="Adapters in the order of their use."),
    ),
)
REFERENCE = Section(
    name="[reference]",
    doc="Which of the persona's reference pictures condition the picture, and how strongly.",
    keys=(
        Key(name="roles", kind=Several(item=Choice(now=ROLES), most=len(ROLES)), doc="Roles; `[]`: text alone."),
        Key(name="weight", kind=Number(least=0, most=2), doc="Weight of the pictures against the text."),
    ),
)
STYLE = Section(
    name="[style]",
    doc="One block for all shots, put last in every prompt in the order in which it is written, its light at the end.",
    keys=tuple(
        Key(name=name, kind=_PHRASE, doc=doc)
        for name, doc in (
            ("lens", "Focal length or lens."),
            ("lighting", "Light where the scene names none."),
            ("grain", "Grain of the film."),
            ("film", "Film stock or sensor."),
            ("colour", "Colour grading."),
            ("framing", "Close-up, portrait, full figure."),
            ("composition", "Placing in the frame."),
            ("background", "Background where the scene names none."),
            ("medium", "Photograph, drawing, render."),
            ("finish", "Retouching and final look."),
        )
    ),
)
NEGATIVE = Section(
    name="[negative]",
    doc="What must not appear, in every shot.",
    keys=(Key(name="text", kind=_PROMPT, doc="Comma-separated phrases."),),
)
IDENTITY = Section(
    name="[identity]",
    doc="The gate: how alike a picture must be, and what happens when it is not.",
    keys=(
        Key(
            name="threshold",
            kind=Either(text=Choice(now=("calibrated",)), other=Number(least=-1, most=1)),
            doc="`calibrated`, or a cosine that is recorded as uncalibrated.",
        ),
        Key(name="attempts", kind=Whole(least=1, most=32), doc="Attempts for each shot before it is rejected."),
        Key(
            name="on_drift",
            kind=Several(item=Choice(now=("reseed",), later=("inpaint-face", "queue")), least=1, most=3),
            doc="What to do with a shot that fails, in order.",
        ),
    ),
)
OUTPUT = Section(
    name="[output]",
    doc="The delivered files.",
    keys=(
        Key(name="format", kind=Choice(now=("png", "jpeg", "webp", "avif", "tiff")), doc="File format."),
        Key(
            name="size",
            kind=Several(item=Whole(least=16, most=8192, step=8), least=2, most=2, distinct=False),
            doc="Width and height in pixels; twice the size of a pack with an upscaler is enlarged by it.",
        ),
        Key(name="watermark", kind=Flag(), doc="Imperceptible watermark; the baseline policy requires it."),
        Key(
            name="watermarker",
            kind=Choice(now=("built-in", "trustmark")),
            doc="Its scheme (built-in); `trustmark` needs an extra and weights, and `verify` does not read it.",
        ),
        Key(
            name="label",
            kind=Choice(now=("auto", "always", "never")),
            doc="Visible label; `auto` lets the policies decide, `never` needs a `label_reason`.",
        ),
        Key(
            name="label_reason",
            kind=Text(most=200, least=1),
            doc="Why no label is drawn. Public: it stands in the file and in the ledger.",
        ),
    ),
)
SCENE = Section(
    name="[[scene]]",
    doc="Place, light and colour that several shots share.",
    keys=(
        Key(name="id", kind=IDENT, required=True, doc="Name that shots refer to."),
        Key(name="prompt", kind=Text(most=2000, least=1, lines=True), required=True, doc="The place in words."),
        Key(name="lighting", kind=_PHRASE, doc="Light of the scene, instead of the style's."),
    ),
)
SHOT = Section(
    name="[[shot]]",
    doc="One picture, or `count` pictures that differ in their seed.",
    keys=(
        Key(name="id", kind=IDENT, required=True, doc="Name of the shot; files are called `<id>-<index>`."),
        Key(name="scene", kind=IDENT, doc="Id of a `[[scene]]`."),
        Key(name="prompt", kind=Text(most=2000, least=1, lines=True), required=True, doc="What happens."),
        Key(name="mood", kind=_PHRASE, doc="Expression or mood."),
        Key(name="wardrobe", kind=_PHRASE, doc="Clothing, instead of the persona's default."),
        Key(name="negative", kind=_PROMPT, doc="Added to the campaign's negative text."),
        Key(name="count", kind=Whole(least=1, most=MAX_SHOTS), doc="Number of pictures (1)."),
        Key(name="seed", kind=Whole(least=0, most=MAX_SEED), doc="Seed of the first picture."),
        Key(name="from", kind=Text(most=500, least=1), later=True, doc="Source of image-to-image."),
        Key(name="strength", kind=Number(least=0, most=1), later=True, doc="Change against the source."),
        Key(name="region", kind=Text(most=500, least=1), later=True, doc="Area of inpainting."),
        Key(
            name="references",
            kind=Several(item=Choice(now=ROLES), most=len(ROLES)),
            later=True,
            doc="Reference roles of this shot alone.",
        ),
    ),
)
MANIFEST = Section(
    name="the manifest",
    doc="A campaign: who, with which model, under which rules, and every picture.",
    keys=(
        Key(name="schema", kind=Version(value=1), required=True, doc="Version of the manifest's format."),
        Key(name="campaign", kind=CAMPAIGN, required=True, doc="Whose pictures these are."),
        Key(name="model", kind=MODEL, doc="The generator."),
        Key(name="reference", kind=REFERENCE, doc="Reference pictures."),
        Key(name="style", kind=STYLE, doc="Look of all shots."),
        Key(name="negative", kind=NEGATIVE, doc="What must not appear."),
        Key(name="identity", kind=IDENTITY, doc="The identity gate."),
        Key(name="output", kind=OUTPUT, doc="The files."),
        Key(name="scene", kind=Rows(section=SCENE, most=1000), doc="Scenes."),
        Key(name="shot", kind=Rows(section=SHOT, least=1, most=MAX_SHOTS), required=True, doc="Shots."),
    ),
)
