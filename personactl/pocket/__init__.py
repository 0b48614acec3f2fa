"""The pocket pack: a small model pack for invented, drawn faces, from the pen stroke to the shipped folder.

    identity, scene   who is drawn, and how: data, sampled from seeds
    drawing/          identity x scene -> picture with exact key points and face box (skia)
    dataset           the rendered training sets
    recogniser, detector, autoencoder, generator     one network each: architecture, training stage, export
    pack              trained parts -> the folder that `personactl` loads
    evaluate          the shipped folder -> figures with intervals, contact sheet, calibration

Nothing else in the project imports this package; the pack that it produces is used through the same code as any other
model folder. Commands: `python -m personactl.pocket --help`.
"""
