"""Every bad manifest is refused with the right code at the right place; every good one is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from personactl import manifest
from personactl.errors import EXIT_USAGE, ManifestError

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "manifests"
BAD = sorted((FIXTURES / "bad").glob("*.toml"))
GOOD = sorted((FIXTURES / "good").glob("*.toml"))

# A glob that finds nothing would make all of this pass.
assert len(BAD) >= 50, "bad manifests are missing"
assert len(GOOD) >= 3, "good manifests are missing"


def test_each_bad_manifest_has_its_expectation() -> None:
    assert {path.stem for path in BAD} == {path.stem for path in (FIXTURES / "bad").glob("*.expect")}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_manifest(path: Path) -> None:
    expected = [tuple(line.split()) for line in path.with_suffix(".expect").read_text().splitlines()]
    assert expected
    with pytest.raises(ManifestError) as caught:
        manifest.parse(path.read_bytes(), path.name)
    found = [(problem.code, str(problem.line), str(problem.column)) for problem in caught.value.problems]
    assert found == expected
    assert caught.value.exit_code == EXIT_USAGE
    assert caught.value.where == f"{path.name}:{expected[0][1]}:{expected[0][2]}"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_quoted_line_is_the_line_of_the_file(path: Path) -> None:
    lines = path.read_bytes().decode("utf-8-sig", "replace").split("\n")
    with pytest.raises(ManifestError) as caught:
        manifest.parse(path.read_bytes(), path.name)
    for problem in caught.value.problems:
        assert lines[problem.line - 1].startswith(problem.quote)
        assert problem.quote == lines[problem.line - 1][:400]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_manifest(path: Path) -> None:
    assert manifest.parse(path.read_bytes(), path.name).data == path.read_bytes()
