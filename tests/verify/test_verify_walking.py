"""From paths to targets: order, what is passed over, where receipts are looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from personactl.verify.walking import count, targets

PNG = b"\x89PNG\r\n\x1a\n"


def touch(path: Path, data: bytes = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(*paths: Path) -> list[str]:
    return [target.path.name for target in targets(paths)]


def test_folders_are_searched_to_the_bottom_in_sorted_order(tmp_path: Path) -> None:
    for name in ("b/z.png", "b/a.png", "c.png", "a.png"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["a.png", "a.png", "z.png", "c.png"]


def test_paths_keep_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    first, second = touch(tmp_path / "z.png"), touch(tmp_path / "a.png")
    assert names(first, second) == ["z.png", "a.png"]


def test_what_a_delivery_carries_beside_its_pictures_is_passed_over_unless_it_is_a_picture(tmp_path: Path) -> None:
    for name in ("a.png.receipt", "trust.json", "delivery.md", "SHA256SUMS"):
        touch(tmp_path / name, b"text")
    touch(tmp_path / "hidden.json", PNG)
    touch(tmp_path / "other.bin", b"x")
    assert names(tmp_path) == ["hidden.json", "other.bin"]


def test_a_companion_that_is_named_is_judged(tmp_path: Path) -> None:
    assert names(touch(tmp_path / "a.txt", b"text")) == ["a.txt"]


def test_links_are_targets_and_never_followed(tmp_path: Path) -> None:
    touch(tmp_path / "real" / "a.png")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "b.json").symlink_to("a.png")
    assert names(tmp_path / "real") == ["a.png", "b.json", "loop"]


def test_a_path_that_cannot_be_looked_at_is_a_target_and_the_next_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert names(tmp_path / ("x" * 300), Path("a\0b"), touch(tmp_path / "a.png")) == ["x" * 300, "a\0b", "a.png"]
    lstat = os.lstat

    def forbidding(path: Path) -> os.stat_result:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied")
        return lstat(path)

    monkeypatch.setattr(os, "lstat", forbidding)
    assert names(tmp_path / "shut", tmp_path / "a.png") == ["shut", "a.png"]


def test_an_empty_folder_is_a_target_of_its_own(tmp_path: Path) -> None:
    touch(tmp_path / "only.json", b"{}")
    (target,) = targets([tmp_path])
    assert target.empty_folder


def test_a_very_deep_folder_does_not_end_in_a_recursion_error(tmp_path: Path) -> None:
    levels = [tmp_path / "/".join(["d"] * depth) for depth in range(1, 1501)]
    for folder in levels:
        folder.mkdir()
    try:
        assert len(list(targets([tmp_path]))) == 1
    finally:
        for folder in reversed(levels):  # whoever cleans up after the tests may recurse
            folder.rmdir()


def test_a_receipt_is_looked_for_in_the_given_folder_first_then_beside_the_file(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "sub" / "a.png")
    receipts = tmp_path / "receipts"
    (target,) = targets([tmp_path / "in"], receipts=receipts)
    assert target.receipts == (
        receipts / "sub" / "a.png.receipt",
        receipts / "a.png.receipt",
        tmp_path / "in" / "sub" / "a.png.receipt",
    )


def test_a_bundle_brings_its_own_receipts_folder(tmp_path: Path) -> None:
    touch(tmp_path / "files" / "a.png")
    touch(tmp_path / "receipts" / "a.png.receipt", b"{}")
    (target,) = targets([tmp_path])
    assert tmp_path / "receipts" / "a.png.receipt" in target.receipts


def test_a_pattern_stands_for_what_it_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.png", "a.png", "c.jpg", "in/d.png", "in/deep/e.png", "[x].png"):
        touch(tmp_path / name)
    touch(tmp_path / "a.png.receipt", b"text")
    (tmp_path / "in" / "loop").symlink_to(tmp_path)
    assert names(tmp_path / "*.png") == ["[x].png", "a.png", "b.png"]
    assert names(tmp_path / "?.[jp]*g") == ["a.png", "b.png", "c.jpg"]
    assert names(tmp_path / "**" / "*.png") == ["[x].png", "a.png", "b.png", "d.png", "e.png"]
    assert names(tmp_path / "a.*") == ["a.png"]
    monkeypatch.chdir(tmp_path)
    assert [str(target.path) for target in targets([Path("in/*")])] == ["in/d.png", "in/deep/e.png", "in/loop"]
    assert count([Path("*.png")]) == 3


def test_a_file_with_that_very_name_comes_before_the_pattern(tmp_path: Path) -> None:
    for name in ("[ab].png", "a.png"):
        touch(tmp_path / name)
    assert names(tmp_path / "[ab].png") == ["[ab].png"]


@pytest.mark.parametrize("name", ["*.gif", "missing/*", "[", "x\0*", "*" * 300])
def test_a_pattern_without_a_match_stands_for_itself(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "a.png")
    assert [target.path for target in targets([tmp_path / name])] == [tmp_path / name]
