#!/usr/bin/env python3
"""Write the test vectors: `python ledger/vectors/generate.py [FOLDER]`. The same bytes every time; tests compare.

Each case makes one folder with README.md, vector.json and what the readers get. A name that ends in `_fail` must not
pass. The folders in FIXED are kept, because ML-DSA-44 signatures and those of time stamps are randomised; `--fixed
AREA` writes them anew.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import cases_anchor  # noqa: F401  (each module registers its cases)
import cases_belief  # noqa: F401
import cases_export  # noqa: F401
import cases_export_folder  # noqa: F401
import cases_export_tiles  # noqa: F401
import cases_file  # noqa: F401
import cases_keys  # noqa: F401
import cases_ledger  # noqa: F401
import cases_lifecycle  # noqa: F401
import cases_named  # noqa: F401
import cases_receipt  # noqa: F401
import cases_rules  # noqa: F401
import cases_witness  # noqa: F401
from cases import CASES, Files
from forge import dumps

_MLDSA = (
    *("receipt-mldsa", "receipt-mldsa-dropped_fail", "receipt-mldsa-wrong_fail"),
    *("witness-mldsa", "witness-mldsa-dropped_fail", "witness-mldsa-wrong_fail"),
)
FIXED = (*_MLDSA, *(path.name for path in Path(__file__).resolve().parent.glob("*-stamp*") if path.is_dir()))


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


def write_fixed(target: Path, area: str) -> None:
    """Write the randomised cases of one area anew."""
    for name, files in importlib.import_module(f"cases_{area}").fixed().items():
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        write(folder, files | {"README.md": f"# {name}\n\n{files['README.md']}"})


def write(folder: Path, files: Files) -> None:
    """Write the files of one case."""
    for file_name, content in files.items():
        (folder / file_name).parent.mkdir(parents=True, exist_ok=True)
        (folder / file_name).write_bytes(content if isinstance(content, bytes) else content.encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--fixed", choices=["mldsa", "stamp", "witness"], action="append", default=[])
    options = parser.parse_args()
    for name in options.fixed:
        write_fixed(options.folder, name)
    main(options.folder)
