"""What `verify` costs over the bare thing, in one process on one core: python bench/verify.py [FILES]

    plain    bare: read the file, SHA-256, one c2pa-python Reader         goal: verify ≤ 1.3 times that
    pixels   bare: read, decode, extract the watermark                    goal: verify --pixels ≤ 1.3 times that

CPU milliseconds per file (user and system), the best of five rounds; files are signed 1024 x 1024 PNGs.
"""

from __future__ import annotations

import hashlib
import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import c2pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "verify"))
import studio

from personactl.disclose import pixels, watermark
from personactl.disclose.c2pa import _context
from personactl.verify import verify_paths

ROUNDS = 5


def best(work: Callable[[], object], files: int) -> float:
    """CPU milliseconds per file of the fastest round."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds) / files * 1000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        made = studio.make(root, organisation="Bench", domain="studio.example", formats=(), first=1)
        data = studio.sign(made, studio.claim(made), rgb=studio.picture(3, side=1024))
        folder = root / "out"
        folder.mkdir()
        for number in range(count):
            (folder / f"{number:05}.png").write_bytes(data)
        paths = sorted(folder.iterdir())
        context = _context(made.trust.c2pa_anchors)

        def read_bare() -> None:
            for path in paths:
                content = path.read_bytes()
                hashlib.sha256(content).hexdigest()
                with c2pa.Reader("image/png", io.BytesIO(content), context=context) as reader:
                    reader.json()

        def decode_bare() -> None:
            for path in paths:
                watermark.extract(pixels.decode(path.read_bytes()))

        def verify(decode: bool) -> Callable[[], object]:
            return lambda: list(verify_paths([folder], [made.trust], pixels=decode))

        print(f"{count} files of {len(data) / 1e6:.2f} MB")
        print(f"{'':8}{'bare ms':>9}{'verify ms':>11}{'ratio':>7}")
        for name, bare, decode in (("plain", read_bare, False), ("pixels", decode_bare, True)):
            alone, ours = best(bare, count), best(verify(decode), count)
            print(f"{name:8}{alone:9.2f}{ours:11.2f}{ours / alone:7.2f}")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
