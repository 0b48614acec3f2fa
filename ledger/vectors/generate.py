#!/usr/bin/env python3
"""Write the test vectors: `python ledger/vectors/generate.py [FOLDER]`. The same bytes every time; tests compare.

Each case makes one folder with README.md, vector.json and what the readers get. A name that ends in `_fail` must not
pass. The folders in FIXED are kept, because ML-DSA-44 signatures are randomised; `--fixed` writes them anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cases_export  # noqa: F401  (each module registers its cases)
import cases_ledger  # noqa: F401
import cases_receipt  # noqa: F401
import cases_rules  # noqa: F401
from cases import CASES, Files
from forge import dumps

FIXED = ("receipt-mldsa", "receipt-mldsa-dropped_fail", "receipt-mldsa-wrong_fail")


def main(target: Path) -> None:
    """Write every case below `target`."""
    for name, make in CASES.items():
        why, vector, files = make()
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        outcome = f"Exit {vector['exit']}" + (f", `{vector['code']}`" if "code" in vector else "") + "."
        files["README.md"] = f"# {name}\n\n{why}\n\n{outcome}\n"
        files["vector.json"] = dumps(vector)
        write(folder, files)


def write_fixed(target: Path) -> None:
    """Write the randomised cases anew."""
    from cases_mldsa import fixed

    for name, files in fixed().items():
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        write(folder, files | {"README.md": f"# {name}\n\n{files['README.md']}"})


def write(folder: Path, files: Files) -> None:
    """Write the files of one case."""
    for file_name, content in files.items():
        (folder / file_name).parent.mkdir(parents=True, exist_ok=True)
        (folder / file_name).write_bytes(content if isinstance(content, bytes) else content.encode())


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--fixed"]
    where = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    if "--fixed" in sys.argv:
        write_fixed(where)
    main(where)
