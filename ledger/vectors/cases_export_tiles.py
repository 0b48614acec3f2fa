"""Tiles, good and bad (SPEC 16.4)."""

from __future__ import annotations

from cases import Case, case
from forge import NOW, Forge, signer
from forge_export import changed, exported, made, many, tiled
from personactl_ledger.checkpoint import sign_checkpoint


@case
def export_tiles() -> Case:
    return exported("261 entries in the layout of tlog-tiles: full and partial tiles.", "tiles", tiled(), forge=many())


def tile(why: str, name: str, data: bytes, code: str) -> Case:
    return exported(why, "tiles", {f"tiles/{name}": data}, code, base="export-tiles", forge=many())


@case
def export_tile_fail() -> Case:
    data = changed("tiles/tile/0/000", 40, tiled())
    return tile("A hash in a full tile is wrong; the entries are right.", "tile/0/000", data, "export.tile")


@case
def export_tile_partial_fail() -> Case:
    data = changed("tiles/tile/1/000.p/1", 0, tiled())
    return tile("The hash in a partial tile of level 1 is wrong.", "tile/1/000.p/1", data, "export.tile")


@case
def export_tile_short_fail() -> Case:
    data = tiled()["tiles/tile/0/001.p/5"][:-32]
    return tile("A partial tile has a hash less than its name says.", "tile/0/001.p/5", data, "export.tile")


@case
def export_bundle_length_fail() -> Case:
    data = tiled()["tiles/tile/entries/001.p/5"]
    return tile("A length in an entry bundle is too large.", "tile/entries/001.p/5", b"\xff" + data[1:],
                "export.bundle")  # fmt: skip


@case
def export_bundle_rest_fail() -> Case:
    data = tiled()["tiles/tile/entries/001.p/5"]
    return tile("Bytes follow the last entry of a bundle.", "tile/entries/001.p/5", data + b"\x00", "export.bundle")


@case
def export_bundle_entry_fail() -> Case:
    data = changed("tiles/tile/entries/001.p/5", 60, tiled())
    return tile("A byte of an entry was changed; the tiles are right.", "tile/entries/001.p/5", data, "export.tile")


@case
def export_tile_extra_fail() -> Case:
    return tile("A tile that the tree does not have.", "tile/0/002.p/1", bytes(32), "export.files")


@case
def export_tile_missing_fail() -> Case:
    return exported("An entry bundle is missing.", "tiles", {}, "export.files", base="export-tiles", forge=many(),
                    remove=["tiles/tile/entries/001.p/5"])  # fmt: skip


@case
def export_tile_name_fail() -> Case:
    name = "tiles/tile/0/000"
    return exported("A tile whose number is not padded to three digits.", "tiles", {"tiles/tile/0/0": tiled()[name]},
                    "export.files", base="export-tiles", forge=many(), remove=[name])  # fmt: skip


@case
def export_tiles_checkpoint_fail() -> Case:
    forge = many()
    head = tiled()["tiles/checkpoint"].replace(b"\n261\n", b"\n260\n")
    return exported("The checkpoint names another size.", "tiles", {"tiles/checkpoint": head}, "export.files",
                    base="export-tiles", forge=forge)  # fmt: skip


@case
def export_tiles_rule_fail() -> Case:
    forge = Forge()
    forge.note("by nobody", by=signer("nobody"))
    forge.checkpoint()
    return exported("Right tiles over a log with an entry by an unknown key.", "tiles", made(forge, tiles=True),
                    "ledger.signer-unknown")  # fmt: skip


@case
def export_tiles_huge_fail() -> Case:
    forge = many()
    head = sign_checkpoint(forge.origin, 2**62, bytes(32), forge.log, now=NOW).note
    return exported("The checkpoint is over 2^62 entries.", "tiles", {"tiles/checkpoint": head.encode()},
                    "export.files", base="export-tiles", forge=forge)  # fmt: skip


@case
def export_tiles_no_checkpoint_fail() -> Case:
    return exported("The checkpoint is missing.", "tiles", {}, "export.files", base="export-tiles", forge=many(),
                    remove=["tiles/checkpoint"])  # fmt: skip


@case
def export_bundle_zeroes_fail() -> Case:
    data = tiled()["tiles/tile/entries/001.p/5"]
    return tile("More entries of length 0 follow than the name of a bundle says.", "tile/entries/001.p/5",
                data + bytes(4096), "export.bundle")  # fmt: skip
