"""How long files of a megabyte that are made to be slow keep `verify`.

    python bench/walkers.py

Prints a row a file: CPU milliseconds of the walker alone, of all marks (with the C2PA library), of `verify --pixels`.
"""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from personactl.disclose import formats, read_marks
from personactl.disclose.parts import ContainerError
from personactl.verify import verify_file

MEBIBYTE = 1 << 20


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, version: int, body: bytes) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]) + body)


def avif(items: int, length: int) -> bytes:
    """An AVIF with this many Exif items, which all begin at the same place."""
    entries = b"".join(full(b"infe", 2, struct.pack(">HH", number, 0) + b"Exif\0") for number in range(items))
    places = b"".join(struct.pack(">HHHII", number, 0, 1, 4, length) for number in range(items))
    meta = full(b"pitm", 0, b"\0\0") + full(b"iinf", 0, struct.pack(">H", items) + entries)
    meta += full(b"iloc", 0, struct.pack(">HH", 0x4400, items) + places)
    return box(b"ftyp", b"avif" + bytes(8)) + full(b"meta", 0, meta) + box(b"mdat", bytes(MEBIBYTE // 2))


def tiff(*fields: tuple[int, int, int, int], following: int = 0) -> bytes:
    table = b"".join(struct.pack("<HHII", *field) for field in fields)
    return struct.pack("<H", len(fields)) + table + struct.pack("<I", following)


def files() -> Iterator[tuple[str, bytes]]:
    clip, start = box(b"ftyp", b"isom" + bytes(4)), b"II*\0\x08\0\0\0"
    noise = random.Random(1).randbytes(MEBIBYTE)  # noqa: S311, a benchmark
    yield "MP4, empty boxes only", clip + box(b"free") * (MEBIBYTE // 8)
    yield "MP4, boxes up to the limit", clip + box(b"moov", box(b"trak") * 7_900) + box(b"mdat", noise)
    yield "MP4, boxes up to the limit in user data", clip + box(b"moov", box(b"udta", box(b"XMP_", b"x") * 7_900))
    yield "MP4, noise", clip + box(b"moov", noise)
    yield "AVIF, 4000 items at one place", avif(4000, 14)
    yield "AVIF, 4000 items that overlap", avif(4000, 1000)
    yield "TIFF, noise", start + noise
    yield "TIFF, fields up to the limit", start + tiff(*((700, 1, 90, 200_000) for _ in range(7_900))) + noise
    chain = b"".join(tiff((700, 1, 4, 1), (305, 2, 4, 66), following=8 + 30 * (n + 1)) for n in range(1_999))
    yield "TIFF, directories up to the limit", start + chain + tiff((700, 1, 4, 1)) + noise
    deeper = tiff(*((1000, 1, 90, 200_000) for _ in range(7_900)))
    yield "TIFF, EXIF fields up to the limit", start + tiff((34665, 4, 1, 26)) + deeper + noise
    yield (
        "TIFF, a quarter of a million strips",
        start + tiff((273, 4, 250_000, 50), (279, 1, 250_000, 50)) + noise + noise,
    )


def cpu_ms(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def main() -> None:
    print(f"{'file':42s} {'MiB':>5s} {'walker':>7s} {'marks':>7s} {'verify':>7s}")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        for name, data in files():
            path.write_bytes(data)
            walker = cpu_ms(lambda data=data: _walked(data))  # type: ignore[misc]
            marks = cpu_ms(lambda data=data: read_marks(data, anchors=()))  # type: ignore[misc]
            verify = cpu_ms(lambda: verify_file(path, [], pixels=True))
            print(f"{name:42s} {len(data) / MEBIBYTE:5.1f} {walker:7.1f} {marks:7.1f} {verify:7.1f}  {_walked(data)}")


def _walked(data: bytes) -> str:
    row = formats.sniff(data)
    if row is None:
        return "no type that is read"
    try:
        found = row.parts(data)
    except ContainerError as error:
        return f"refused: {error}"
    return f"{len(found.xmp)} XMP, {len(found.exif)} EXIF"


if __name__ == "__main__":
    main()
