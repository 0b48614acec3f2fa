"""Appending what was signed a moment ago: not verified twice, and never taken on trust (docs/adr/0116)."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_bench import NOW, PLAN, Bench, forge
from personactl_ledger import (
    Draft,
    Ed25519Signer,
    EntryRefused,
    FormatError,
    Ledger,
    Signer,
    check,
    parse_entry,
    rules,
    sign_entry,
    statement,
)
from personactl_ledger.entry import read_draft
from personactl_ledger.made_here import SignedLeaf
from personactl_ledger.projection import project

KEY = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))


class Verified:
    """Counts the signatures that the rules verify."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.count = 0
        self._real = rules.verify_signature
        monkeypatch.setattr(rules, "verify_signature", self)

    def __call__(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        self.count += 1
        return self._real(public_key, signature, message)


@pytest.fixture
def verified(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Verified:
    return Verified(monkeypatch)


class Token:
    """A signer of another house: its key could be anywhere."""

    def __init__(self, signer: Signer):
        self.key_id = signer.key_id
        self.public_key = signer.public_key
        self._signer = signer

    def sign(self, message: bytes) -> bytes:
        return self._signer.sign(message)


class BrokenToken(Token):
    def sign(self, message: bytes) -> bytes:
        return bytes(64)


class BrokenSigner(Ed25519Signer):
    """Derived from ours, which must not make it trusted."""

    __slots__ = ()

    def sign(self, message: bytes) -> bytes:
        return bytes(64)


class BrokenKey:
    """Acts like a private key of the library."""

    def __init__(self, private: Ed25519PrivateKey):
        self._private = private

    def public_key(self) -> Any:
        return self._private.public_key()

    def sign(self, message: bytes) -> bytes:
        return bytes(64)


def test_what_a_key_in_memory_signed_is_not_verified_again(bench: Bench, ledger: Ledger, verified: Verified) -> None:
    ledger.append([bench.output("rain"), bench.note("x")], now=NOW)
    assert verified.count == 0
    ledger.close()
    assert check(bench.path, level="full").ok


def pickled(leaf: bytes) -> Any:
    return pickle.loads(pickle.dumps(leaf))  # noqa: S301


@pytest.mark.parametrize("made", [bytes, copy.copy, copy.deepcopy, pickled, lambda leaf: leaf[:]])
def test_any_copy_is_verified(bench: Bench, ledger: Ledger, verified: Verified, made: Any) -> None:
    leaf = made(bench.note("x").leaf)
    ledger.append([Draft(leaf)], now=NOW)
    assert (type(leaf), verified.count) == (bytes, 1)


def test_what_a_token_signed_is_verified(bench: Bench, ledger: Ledger, verified: Verified) -> None:
    ledger.append([Draft(sign_entry(note(bench), Token(bench.operator)))], now=NOW)
    assert verified.count == 1


def test_one_token_among_several_signers_means_that_all_are_verified(
    bench: Bench, ledger: Ledger, verified: Verified
) -> None:
    second = forge.signer("second root")
    key = {"role": "root", "kid": second.key_id, "publicKey": forge.to_base64(second.public_key), "addedAt": NOW}
    ledger.append([bench.draft("key-add", bench.root, **key)], now=NOW)
    third = forge.signer("third root")
    key = {"role": "root", "kid": third.key_id, "publicKey": forge.to_base64(third.public_key), "addedAt": NOW}
    payload = statement("key-add", subject=("key", PLAN), predicate={"origin": bench.origin, **key})
    ledger.append([Draft(sign_entry(payload, bench.root, Token(second)))], now=NOW)
    assert verified.count == 2


@pytest.mark.parametrize("kind", ["token", "derived", "library key"])
def test_a_signer_that_returns_garbage_is_caught(bench: Bench, ledger: Ledger, kind: str) -> None:
    private = bench.operator._private
    broken: dict[str, Signer] = {
        "token": BrokenToken(bench.operator),
        "derived": BrokenSigner(private),
        "library key": Ed25519Signer(cast(Ed25519PrivateKey, BrokenKey(private))),
    }
    with pytest.raises(EntryRefused) as refused:
        ledger.append([Draft(sign_entry(note(bench), broken[kind]))], now=NOW)
    assert refused.value.code == "ledger.signature"
    assert ledger.size == 4


def test_a_key_that_signs_under_the_name_of_another_is_caught(bench: Bench, ledger: Ledger) -> None:
    stranger = forge.signer("stranger")
    stranger._key_id = bench.operator.key_id
    with pytest.raises(EntryRefused) as refused:
        ledger.append([Draft(sign_entry(note(bench), stranger))], now=NOW)
    assert refused.value.code == "ledger.signature"


def test_a_leaf_that_was_changed_after_signing_is_caught(bench: Bench, ledger: Ledger) -> None:
    leaf = bench.note("x").leaf
    other = bench.note("y").leaf
    mixed = other[: other.index(b'"payloadType"')] + leaf[leaf.index(b'"payloadType"') :]
    with pytest.raises(EntryRefused) as refused:
        ledger.append([Draft(mixed)], now=NOW)
    assert refused.value.code == "ledger.signature"


def test_a_signed_payload_that_was_not_written_here_is_parsed_strictly(bench: Bench, ledger: Ledger) -> None:
    spaced = bytes(note(bench)).replace(b'","', b'", "', 1)
    with pytest.raises(FormatError) as refused:
        ledger.append([Draft(sign_entry(spaced, bench.operator))], now=NOW)
    assert refused.value.code == "ledger.profile"


def test_missing_fields_are_refused_in_what_was_written_here_too(bench: Bench, ledger: Ledger) -> None:
    with pytest.raises(FormatError) as refused:
        ledger.append([bench.draft("key-retire", bench.root)], now=NOW)
    assert refused.value.code == "ledger.predicate"


def test_a_map_that_changes_after_the_statement_changes_nothing(bench: Bench, ledger: Ledger) -> None:
    said: dict[str, Any] = {"origin": bench.origin, "lines": ["before"]}
    payload = statement("note", subject=("x", PLAN), predicate=said)
    said["lines"].append("after")
    ledger.append([Draft(sign_entry(payload, bench.operator))], now=NOW)
    assert ledger.entry(4).entry.predicate["lines"] == ["before"]


NAMES = st.text("abc \x1f\u007f\U0001f600é", min_size=1, max_size=8)
KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=6)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["note", "refusal", "adoption"]), NAMES, st.dictionaries(KEYS, VALUES, max_size=5))
def test_both_ways_of_reading_give_the_same_entry_and_the_same_row(kind: str, name: str, said: dict[str, Any]) -> None:
    said = {"origin": "o", "entryId": "0" * 32} | said
    try:
        leaf = sign_entry(statement(kind, subject=(name, PLAN), predicate=said), KEY)
    except FormatError:
        return
    assert type(leaf) is SignedLeaf
    fast, strict = attempt(read_draft, leaf), attempt(parse_entry, bytes(leaf))
    if isinstance(strict, FormatError):
        assert isinstance(fast, FormatError)
        assert (fast.message, fast.code) == (strict.message, strict.code)
        return
    entry, signed_by = fast
    assert signed_by == (KEY.public_key,)
    assert entry == strict
    assert project(entry) == project(strict)
    assert (type(entry.leaf), type(entry.payload)) == (bytes, bytes)


def attempt(call: Any, leaf: bytes) -> Any:
    try:
        return call(leaf)
    except FormatError as error:
        return error


def test_marked_and_unmarked_drafts_make_the_same_file(bench: Bench, tmp_path: Path) -> None:
    bench.create().close()
    twin = tmp_path / "twin.sqlite"
    twin.write_bytes(bench.path.read_bytes())
    drafts = [bench.run_open(), bench.output("rain"), bench.output("snow"), bench.void("rain", 4), bench.note("é\n")]
    with Ledger.open_writer(bench.path) as first, Ledger.open_writer(twin) as second:
        first.append(drafts, now=NOW)
        second.append([Draft(bytes(draft.leaf)) for draft in drafts], now=NOW)
        assert list(dump(first)) == list(dump(second))


def dump(ledger: Ledger) -> Iterator[str]:
    return iter(ledger._connection.iterdump())


def note(bench: Bench) -> bytes:
    return statement("note", subject=("x", PLAN), predicate={"origin": bench.origin, "text": "x"})
