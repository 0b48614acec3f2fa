"""The pocket pack: a small model pack for invented, drawn faces, from the pen stroke to the shipped folder.

    identity, scene   who is drawn, and how: data, sampled from seeds
    drawing/          identity x scene -> picture with exact key points and face box (skia)
    dataset           the rendered training sets
    recogniser, detector, autoencoder, generator, upscaler     one network each: architecture, training stage, export
    stages            what each stage needs, and where its result lies
    assemble, pack    trained parts -> the folder that `personactl` loads
    evaluate, generated, probe                                 the folder -> figures with intervals, calibration
    card, plots, gallery                                       the figures -> the model card

Nothing else in the project imports this package; the pack that it produces is used through the same code as any other
model folder. Commands: `python -m personactl.pocket --help`.
"""

STAGES = (
    "render",
    "recogniser-a",
    "recogniser-b",
    "detector",
    "vae",
    "latents",
    "generator",
    "decoder",
    "upscaler",
)
"""The stages of a training, each after those that it needs."""
