"""Work that a stranger's file asks for stays in proportion to its size."""

from __future__ import annotations

import hashlib
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ledger_bench import forge
from personactl_ledger.book import MemoryBook
from personactl_ledger.keyring import Keyring
from personactl_ledger.merkle import root_of
from personactl_ledger.rules import Rules

OTHER = "other.example/personactl/0123456789abcdef"


def test_many_merges_cost_the_second_reader_one_tree(verifier: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = 0
    plain = verifier.sha256

    def counted(*parts: bytes) -> bytes:
        nonlocal hashed
        hashed += 1
        return bytes(plain(*parts))

    monkeypatch.setattr(verifier, "sha256", counted)
    rules, leaves = verifier.Rules(), [hashlib.sha256(b"%d" % n).digest() for n in range(600)]
    for number, leaf in enumerate(leaves):
        source = {"origin": OTHER, "index": number, "leafHash": leaf.hex()}
        merged = SimpleNamespace(kind="merged", role="operator", said={"source": source})
        merges = {"origin": OTHER, "size": number + 1, "root": root_of(leaves[: number + 1]).hex()}
        said = {"merges": merges, "first": 2 * number, "count": 1}
        for index, entry in enumerate((merged, SimpleNamespace(kind="merge", role="operator", said=said))):
            rules.judge(2 * number + index, entry)
            rules.record(2 * number + index, entry)
    assert hashed < 20 * len(leaves)


def test_the_end_of_a_key_does_not_look_at_all_keys(verifier: ModuleType) -> None:
    first, second = forge.signer("root").key_id, forge.signer("second root").key_id
    ends = {"kid": first, "fromIndex": 0}
    rules = verifier.Rules()
    rules.roots, rules.keys = {first, second}, _NotWalked({first: {"retired": None}})
    rules.judge(9, SimpleNamespace(kind="key-revoke", said=ends))
    rules.record(9, SimpleNamespace(kind="key-revoke", role="root", said=ends))
    assert rules.roots == {second}
    mine = Rules(MemoryBook(lambda _: None, None, 0))
    mine.keyring = Keyring(keys=_NotWalked(), roots={first, second})
    mine._require_roots_left(first)


class _NotWalked(dict[str, Any]):
    """A map that says what it has, one by one, to nobody."""

    def __iter__(self) -> Any:
        raise AssertionError("all keys were looked at")

    values = items = __iter__  # type: ignore[assignment]
