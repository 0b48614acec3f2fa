"""Whatever the bytes are, the answer is a Manifest or a ManifestError with places that exist."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personactl import manifest
from personactl.errors import ManifestError

FULL = (Path(__file__).resolve().parents[2] / "fixtures" / "manifests" / "good" / "everything.toml").read_bytes()


def judged(data: bytes) -> None:
    try:
        manifest.parse(data, "m.toml")
    except ManifestError as error:
        lines = data.decode("utf-8-sig", "replace").split("\n")
        for problem in error.problems:
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
            assert problem.code.startswith(("manifest.", "feature."))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(FULL) - 1), st.integers(0, 12), st.binary(max_size=6))
def test_a_damaged_manifest(at: int, cut: int, put: bytes) -> None:
    judged(FULL[:at] + put + FULL[at + cut :])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes(data: bytes) -> None:
    judged(data)


@pytest.mark.parametrize(
    "data",
    [
        b"a = " + b"{b = " * 100_000,
        b"a = [" + b"1," * 400_000 + b"]",
        b"[a]\n" * 200_000,
        b"".join(b"[a%d]\n" % number for number in range(60_000)),
        b"".join(b"k%d = 1\n" % number for number in range(60_000)),
        b'a = "' + b"x" * 1_000_000 + b'"',
        b'a = """' + b'\\"' * 500_000,
        b"[[shot]]\n" * 100_000,
        b"#" * 1_000_000,
        b"a." * 500_000,
    ],
    ids=lambda data: data[:12].decode(),
)
@pytest.mark.timeout(60)
def test_bombs_below_the_cap_end_in_an_error(data: bytes) -> None:
    assert len(data) <= 1 << 20
    with pytest.raises(ManifestError):
        manifest.parse(data, "m.toml")


def test_a_file_of_nothing_but_mistakes_reports_the_first_200() -> None:
    with pytest.raises(ManifestError) as caught:
        manifest.parse(b"".join(b"k%d = 1\n" % number for number in range(1000)), "m.toml")
    assert [problem.line for problem in caught.value.problems] == list(range(1, 201))
