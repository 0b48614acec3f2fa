"""Make `file.png` and `trust.json` of this folder again: a picture whose signing certificate lived for ten seconds.

    python tests/verify/expired/make.py

A certificate that has expired cannot sign, so the file is made once and kept. The keys are thrown away; `trust.json`
accepts their root, which signs nothing else. TEST ONLY.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import studio  # noqa: E402

from personactl.keys import development  # noqa: E402
from personactl.keys.certificates import Validity, make_leaf  # noqa: E402


def short_lived(public_key, name, validity, *, root, root_key):  # type: ignore[no-untyped-def]
    now = datetime.now(tz=UTC)
    return make_leaf(
        public_key, name, Validity(start=validity.start, end=now + timedelta(seconds=10)), root=root, root_key=root_key
    )


def main() -> None:
    with TemporaryDirectory() as folder, patch.object(development, "make_leaf", short_lived):
        made = studio.make(
            Path(folder), organisation="Expired TEST ONLY", domain="studio.example", formats=(), first=0xE0
        )
        data = studio.sign(made, studio.claim(made), rgb=studio.picture(3, side=64))
        (HERE / "file.png").write_bytes(data)
        (HERE / "trust.json").write_bytes(made.trust_bytes)


if __name__ == "__main__":
    main()
