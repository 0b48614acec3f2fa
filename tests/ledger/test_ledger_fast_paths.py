"""Short cuts of a check accept exactly what the long way accepts, and give the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_bench import NOW, forge
from personactl_ledger import LedgerError, canonical, parse_canonical
from personactl_ledger.entry import Entry, parse_entry
from personactl_ledger.envelope import Envelope, parse_envelope
from personactl_ledger.growth import Growth
from personactl_ledger.merkle import Frontier, leaf_hash, perfect_root, root_of

FORGED = forge.Forge()
LEAVES = [
    FORGED.output_leaf("spring-1a2b3c4d", "rain", forge.signer("run")),
    FORGED.say("note", FORGED.operator, ("nöte", forge.hex64("x")), text='quotes " and \\ and ü', notedAt=NOW),
    FORGED.store.leaf(0)[0],
    forge.raw_envelope(b'{"b":1,"a":2}', FORGED.operator),
    forge.raw_envelope(b"\xff", FORGED.operator),
]


def envelope(leaf: bytes, likely: bytes) -> Envelope | str:
    try:
        return parse_envelope(leaf, likely)
    except LedgerError as error:
        return error.code


def entry(leaf: bytes, likely: bytes) -> Entry | str:
    try:
        return parse_entry(leaf, later=True, likely=likely)
    except LedgerError as error:
        return f"{error.code}: {error.message}"


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.binary(max_size=3)) + data[at + draw(st.integers(0, 3)) :]


@given(st.sampled_from(LEAVES), st.data())
def test_a_likely_payload_changes_nothing_but_the_time(leaf: bytes, data: st.DataObject) -> None:
    payload = parse_envelope(leaf).payload
    changed = data.draw(st.just(leaf) | mutated(leaf))
    likely = data.draw(st.just(payload) | mutated(payload) | st.binary(max_size=8))
    assert envelope(changed, likely) == envelope(changed, b"")
    assert entry(changed, likely) == entry(changed, b"")


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_changed_character_is_judged_the_same(leaf: bytes) -> None:
    payload = parse_envelope(leaf).payload
    tail = leaf.index(b'","payloadType"')
    for at in (*range(14), *range(tail - 4, len(leaf))):
        for byte in (b"", b"=", b"A", b'"', b"\xc3", b"\n"):
            changed = leaf[:at] + byte + leaf[at + 1 :]
            assert envelope(changed, payload) == envelope(changed, b"")
    for more in (leaf + b"\n", leaf + b" ", b" " + leaf, leaf[:-1], leaf + leaf, leaf * 40):
        assert envelope(more, payload) == envelope(more, b"")


@pytest.mark.parametrize("text", [
    "null", "true", "[]", '""', "{}", "-1", "0", "-0", "01", " 1", "1 ", "1\n", "1,2", "[1,]", "1.0", "1e5", "NaN", "",
    '{"a":1,"a":1}', '{"a":1,"a":2}', '{"b":1,"a":2}', '{"a": 1}', '{"":1}', '{"a":{"":1}}', '{"\x7f":1}', '{"é":1}',
    '"\\/"', '"\\u0041"', '"\\ud800"', '"\\u001f"', '"\\u001F"', '"\x7f"', '"é"', '"\t"', '{"a":"\\ud83d\\ude00"}',
    "9007199254740991", "9007199254740992", "[true,false,null]",
    "[" * 32 + "]" * 32, "[" * 33 + "]" * 33, "[" * 960 + "]" * 960, "[" * 5000,
])  # fmt: skip
def test_writing_again_what_was_read_judges_as_the_long_way(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def judged() -> object:
        try:
            return [parse_canonical(text.encode())]
        except LedgerError as error:
            return error.message

    short = judged()
    monkeypatch.setattr(canonical, "_written_again", lambda data: None)
    assert short == judged()


@given(st.sampled_from(LEAVES), st.data())
def test_changed_statements_are_judged_the_same(leaf: bytes, data: st.DataObject) -> None:
    changed = data.draw(mutated(parse_envelope(leaf).payload))
    value = canonical._written_again(changed)
    if value is not None:
        assert canonical._ENCODER.encode(canonical.parse_strict(changed)).encode() == changed


class Kept:
    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], tuple[bytes, bytes]] = {}

    def insert_tile(self, level: int, index: int, hashes: bytes, root: bytes) -> None:
        self.tiles[level, index] = hashes, root


def test_whole_tiles_make_the_tree_that_single_leaves_make() -> None:
    hashes = [leaf_hash(b"%d" % n) for n in range(256 * 258 + 9)]
    single, whole = Growth(Frontier(), [[] for _ in range(8)]), Growth(Frontier(), [[] for _ in range(8)])
    by_leaf, by_tile = Kept(), Kept()
    for digest in hashes:
        single.append(digest, by_leaf)
    for start in range(0, 256 * 258, 256):
        whole.append_tile(perfect_root(b"".join(hashes[start : start + 256])), by_tile)
    for digest in hashes[256 * 258 :]:
        whole.append(digest, by_tile)
    assert whole.frontier.root() == single.frontier.root() == root_of(hashes)
    assert by_tile.tiles == {place: tile for place, tile in by_leaf.tiles.items() if place[0] > 0} != {}


@given(st.integers(0, 1200))
def test_the_open_edges_of_the_tiles_make_the_whole_frontier(size: int) -> None:
    hashes = [leaf_hash(b"%d" % n) for n in range(size + 300)]
    full = [perfect_root(b"".join(hashes[n : n + 256])) for n in range(0, size - size % 256, 256)]
    edges = [hashes[size - size % 256 : size], full, *([] for _ in range(6))]
    growth = Growth.of_edges(edges)
    assert (growth.frontier.size, growth.frontier.root()) == (size, root_of(hashes[:size]))
    for digest in hashes[size:]:
        growth.append(digest, Kept())
    assert growth.frontier.root() == root_of(hashes)
