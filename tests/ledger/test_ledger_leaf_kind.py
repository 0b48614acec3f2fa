"""The kind of a leaf at a glance is what the parser says, and level tree goes by it and not by the column."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_bench import ROOM, forge
from personactl_ledger import check, parse_entry, sign_entry
from personactl_ledger.canonical import canonical_bytes
from personactl_ledger.errors import LedgerError
from personactl_ledger.findings import Level
from personactl_ledger.leaf_kind import kind_at_a_glance

KEY = forge.signer("operator")
DECOY = ',"predicateType":"urn:personactl:predicate:note:1","subject":[{"digest":{'
TEXTS = st.one_of(
    st.text(max_size=80), st.sampled_from([DECOY, f"\\{DECOY}", f'{DECOY}"', "\\", '"', ',"predicateType'])
)


def of(kind: str) -> bytes:
    """As a leaf has it."""
    return (kind if ":" in kind else f"{kind}:1").encode()


KEYS = st.one_of(
    st.sampled_from(["predicateType", ',"predicateType":"urn', "subject"]), st.text('az\\",:{', min_size=1)
)
HEX = st.text("0123456789abcdef", min_size=1, max_size=40)


def leaf(kind: str, version: str, name: str, digests: dict[str, str], predicate: dict[str, object]) -> bytes:
    return sign_entry(
        canonical_bytes(
            {
                "_type": "https://in-toto.io/Statement/v1",
                "predicate": {"origin": "x", **predicate},
                "predicateType": f"urn:personactl:predicate:{kind}:{version}",
                "subject": [{"digest": {**digests, "sha256": "0" * 64}, "name": name}],
            }
        ),
        KEY,
    )


@given(
    kind=st.sampled_from(["calibration", "refusal", "x-y"]), version=st.sampled_from(["1", "2", "11"]),
    name=st.one_of(TEXTS, st.text("é\U0001f600\"", min_size=512, max_size=512)),
    digests=st.dictionaries(KEYS, HEX, max_size=3),
    predicate=st.dictionaries(KEYS, st.one_of(TEXTS, st.dictionaries(KEYS, TEXTS)), max_size=4),
)  # fmt: skip
def test_it_is_the_kind_of_every_leaf_that_parses(
    kind: str, version: str, name: str, digests: dict[str, str], predicate: dict[str, object]
) -> None:
    try:
        made = leaf(kind, version, name, digests, predicate)
        parsed = parse_entry(made, later=True)
    except LedgerError:
        return
    assert kind_at_a_glance(made) == of(parsed.kind)


@pytest.mark.parametrize("name", ["", "a" * 512, "\U0001f600" * 512, '"' * 512, DECOY])
def test_a_long_subject_hides_nothing(name: str) -> None:
    made = leaf("key-revoke", "1", name or "x", {"md5": "ab" * 3000} if not name else {}, {"text": DECOY * 9})
    assert kind_at_a_glance(made) == b"key-revoke:1"


@given(st.binary(max_size=80))
def test_rubbish_raises_nothing(data: bytes) -> None:
    for rubbish in (data, b'{"payload":"' + data, b'{"payload":"' + data + b'","payloadType":'):
        assert isinstance(kind_at_a_glance(rubbish), bytes)


def test_every_leaf_of_the_vectors() -> None:
    for text in sorted((ROOM / "vectors").glob("*/ledger.sql")):
        connection = sqlite3.connect(":memory:")
        connection.executescript(text.read_text(encoding="utf-8"))
        for (data,) in connection.execute("SELECT CAST(leaf AS BLOB) FROM entry").fetchall():
            try:
                kind = parse_entry(data, later=True).kind
            except LedgerError:
                continue
            assert kind_at_a_glance(data) == of(kind), text
        connection.close()


@pytest.mark.parametrize("kind", ["key-revoke", "key-add"])
def test_level_tree_does_not_believe_the_column(kind: str, tmp_path: Path) -> None:
    """A revocation, or a second key, that is relabelled as a note is followed nevertheless."""
    book = forge.Forge()
    book.note("x")
    new = forge.log_signer("new log")
    book.key_add("ledger", new.public_key, vkeys=new.vkeys(book.origin))
    said = {"kid": book.log.key_id, "fromIndex": 4, "revokedAt": forge.NOW}
    book.append(book.say("key-revoke", book.root, ("key", forge.hex64("k")), **said))
    book.note("written by the thief")
    book.checkpoint(log=new if kind == "key-add" else None)
    path = tmp_path / "ledger.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(book.dump())
    connection.executescript(forge.tamper(f"UPDATE entry SET kind = 'note' WHERE kind = '{kind}';"))  # noqa: S608
    connection.close()
    levels: tuple[Level, ...] = ("tree", "index", "full")
    codes = {level: [item.code for item in check(path, level=level).findings] for level in levels}
    assert "ledger.projection" in codes["full"]
    assert ("ledger.checkpoint-signature" in codes["full"]) == (kind == "key-revoke")
    assert codes["tree"] == codes["index"] == codes["full"]
