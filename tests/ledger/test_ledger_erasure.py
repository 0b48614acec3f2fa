"""Erasing: the rows leave, the entry stays, and no byte of salt or value is left in the file or beside it."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_bench import NOW, Bench, forge
from personactl_ledger import (
    Draft,
    Ed25519Signer,
    Ledger,
    LedgerConflict,
    LedgerMissing,
    LedgerStorage,
    ProfileError,
    Sealed,
    check,
    key_add_leaf,
    seal,
)
from personactl_ledger.erasure import erase, sealed_fields, sealed_of_personas
from personactl_ledger.remains import find_remains
from personactl_ledger.store import Store


def add(bench: Bench, ledger: Ledger, name: str, *sealed: Sealed, persona: str = "lira") -> int:
    said: dict[str, object] = {"sealed": {item.field: item.commitment for item in sealed}}
    draft = bench.output(name, **said, persona={"id": persona, "version": 1})
    return ledger.append([Draft(draft.leaf, sealed)], now=NOW)[0]


def all_bytes(path: Path) -> bytes:
    return b"".join(item.read_bytes() for item in sorted(path.parent.iterdir()) if item.name.startswith(path.name))


def test_an_erased_value_leaves_the_file_and_the_entry_says_so(
    bench: Bench, ledger: Ledger, verifier: ModuleType
) -> None:
    prompt, negative = seal("prompt", "a woman in the rain, 35mm"), seal("negative", "freckles and blemishes")
    index = add(bench, ledger, "rain", prompt, negative)
    done = erase(ledger, [index], ["prompt"], basis="request", operator=bench.operator, now=NOW)
    data = all_bytes(bench.path)
    assert prompt.salt not in data
    assert b"a woman in the rain" not in data
    assert negative.salt in data
    said = ledger.entry(done.entries[0]).entry
    assert said.predicate["erases"] == [{"index": index, "fields": ["prompt"]}]
    assert said.subject_sha256 == ledger.entry(index).entry.subject_sha256
    assert sealed_fields(ledger, index) == {"negative": "present", "prompt": "erased"}
    assert ledger.unseal(index) == {"negative": "freckles and blemishes"}
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    report = check(bench.path)
    assert report.ok
    assert not any("sealed" in note for note in report.notes)
    assert verifier.main(["ledger", str(bench.path)]) == 0


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
    st.integers(1, 100_000).map(lambda size: random.Random(size).randbytes(size // 2 + 1).hex()[:size]),  # noqa: S311
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(TEXTS, min_size=1, max_size=40), data=st.data())
def test_random_values_are_gone_from_the_bytes_and_the_others_stay(
    values: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keys = [forge.signer(name) for name in ("root", "operator", "run")]
    bench = Bench(tmp_path_factory.mktemp("random") / "ledger.sqlite", *keys, forge.log_signer())
    with bench.create() as ledger:
        ledger.append([bench.run_open()], now=NOW)
        sealed = [seal("prompt", value) for value in values]
        indexes = [add(bench, ledger, str(number), item) for number, item in enumerate(sealed)]
        gone = data.draw(st.sets(st.sampled_from(range(len(values))), min_size=1))
        erase(ledger, [indexes[i] for i in gone], [], basis="request", operator=bench.operator, now=NOW)
        found = all_bytes(bench.path)
        kept = [sealed[i].value for i in range(len(values)) if i not in gone]
        for number in gone:
            salt, value = sealed[number].salt, sealed[number].value
            assert not any(salt[start : start + 8] in found for start in range(25))
            assert salt[-4:] + value.encode()[:4] not in found
            parts = [value.encode()[start : start + 24] for start in range(0, len(value.encode()), 24)]
            unique = [part for part in parts if len(part) == 24 and not any(part in k.encode() for k in kept)]
            assert not any(part in found for part in unique if len(set(part)) > 4)
        for number in set(range(len(values))) - gone:
            assert ledger.unseal(indexes[number]) == {"prompt": values[number]}


def test_many_values_of_one_persona_go_in_one_transaction(bench: Bench, ledger: Ledger) -> None:
    shared = "studio portrait, soft light from the left, 35mm, fine grain, "
    items = [seal("prompt", f"{shared}number {number}") for number in range(450)]
    indexes = [add(bench, ledger, str(n), item, persona="lira" if n % 3 else "mia") for n, item in enumerate(items)]
    chosen = sealed_of_personas(ledger, ["lira"])
    assert chosen == [index for number, index in enumerate(indexes) if number % 3]
    ledger.append([bench.note("in between")], now=NOW)
    more = [add(bench, ledger, f"more {number}", seal("prompt", f"{number}")) for number in range(150)]
    chosen = sealed_of_personas(ledger, ["lira"])
    done = erase(ledger, chosen, [], basis="withdrawn consent", operator=bench.operator, now=NOW)
    assert len(done.entries) == 2
    assert sorted(done.fields) == sorted(chosen)
    assert set(more) <= set(done.fields)
    found = all_bytes(bench.path)
    assert not any(item.salt in found for number, item in enumerate(items) if number % 3)
    assert all(item.salt in found for number, item in enumerate(items) if not number % 3)


def test_an_equal_value_that_is_still_stored_is_named(bench: Bench, ledger: Ledger) -> None:
    first, second = (add(bench, ledger, name, seal("prompt", "the same words in both")) for name in ("a", "b"))
    done = erase(ledger, [first], [], basis="request", operator=bench.operator, now=NOW)
    assert done.elsewhere == ((second, "prompt"),)


def test_words_that_entries_keep_are_told(bench: Bench, ledger: Ledger) -> None:
    ledger.append([bench.note("the prompt was: a woman in the rain")], now=NOW)
    index = add(bench, ledger, "rain", seal("prompt", "a woman in the rain"))
    done = erase(ledger, [index], [], basis="request 7", operator=bench.operator, now=NOW)
    assert done.in_entries
    other = add(bench, ledger, "snow", seal("prompt", "nothing of this elsewhere"))
    assert not erase(ledger, [other], [], basis="request 8", operator=bench.operator, now=NOW).in_entries


QUOTING = [
    ("Lira Stone", "lira stone asked for it"),
    ("Bo", "Bo asked"),
    ("Bo", "asked by bo, on 3 May"),
    ("Marguerite Underwood-Example", "for Marguerite"),
    ("Marguerite Underwood-Example", "a letter of (UNDERWOOD)"),
    ("Jo Li", "as Jo/Li wrote"),
    ("Zo\u00eb Brandt", "zoe\u0308 brandt"),
    ("Ann", "withdrawn by joann"),
    ("\u674e\u660e", "\u674e\u660e\u7684\u8bf7\u6c42"),
    ("a woman in the rain, 35mm", "the picture in rain"),
]
SILENT = [
    ("Bo", "about the board's request"),
    ("Jo Li", "Li's letter; no joke"),
    ("a man of 35", "request 7 of 3 May, as a matter of course"),
    ("x", "request x"),
]


@pytest.mark.parametrize(("value", "basis"), QUOTING)
def test_the_ground_must_not_hold_words_of_what_is_erased(value: str, basis: str, bench: Bench, ledger: Ledger) -> None:
    index = add(bench, ledger, "rain", seal("name", value))
    size = ledger.size
    with pytest.raises(ProfileError) as caught:
        erase(ledger, [index], [], basis=basis, operator=bench.operator, now=NOW)
    assert (caught.value.code, caught.value.exit_code) == ("ledger.erase-basis", 2)
    assert "--basis" in (caught.value.hint or "")
    assert value not in f"{caught.value.message} {caught.value.hint}" or len(value) < 4
    assert (ledger.size, ledger.unseal(index)) == (size, {"name": value})


@pytest.mark.parametrize(("value", "basis"), SILENT)
def test_words_that_tell_nothing_of_it_may_stand_in_the_ground(
    value: str, basis: str, bench: Bench, ledger: Ledger
) -> None:
    index = add(bench, ledger, "rain", seal("name", value))
    erase(ledger, [index], [], basis=basis, operator=bench.operator, now=NOW)
    assert sealed_fields(ledger, index) == {"name": "erased"}


def test_what_is_not_there_cannot_be_erased(bench: Bench, ledger: Ledger) -> None:
    index = add(bench, ledger, "rain", seal("prompt", "words"))
    size = ledger.size
    for indexes, fields, code in (
        ([index], ["negative"], "ledger.not-sealed"), ([0], [], "ledger.not-sealed"),
        ([99], [], "ledger.entry-missing"), ([index, 0], [], "ledger.not-sealed"),
    ):  # fmt: skip
        with pytest.raises(LedgerMissing) as caught:
            erase(ledger, indexes, fields, basis="request", operator=bench.operator, now=NOW)
        assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert (ledger.size, ledger.unseal(index)) == (size, {"prompt": "words"})
    erase(ledger, [index], [], basis="request", operator=bench.operator, now=NOW)
    for fields in (["prompt"], []):
        with pytest.raises(LedgerConflict) as conflict:
            erase(ledger, [index], fields, basis="request", operator=bench.operator, now=NOW)
        assert (conflict.value.code, conflict.value.exit_code) == ("ledger.erased-already", 10)
    assert ledger.size == size + 1


def test_what_only_a_distrusted_entry_calls_erased_can_be_said_again(
    bench: Bench, ledger: Ledger, verifier: ModuleType
) -> None:
    index = add(bench, ledger, "rain", seal("prompt", "a woman in the rain"), seal("negative", "freckles and more"))
    (thief,) = erase(ledger, [index], ["prompt"], basis="request", operator=bench.operator, now=NOW).entries
    second = Ed25519Signer.generate()
    leaf = key_add_leaf(
        origin=ledger.origin, role="operator", public_key=second.public_key, root=bench.root, now=NOW
    )  # fmt: skip
    end = bench.draft("key-revoke", bench.root, kid=bench.operator.key_id, fromIndex=thief, revokedAt=NOW)
    ledger.append([Draft(leaf), end], now=NOW)
    done = erase(ledger, [index], [], basis="request", operator=second, now=NOW)
    assert done.fields == {index: ("negative", "prompt")}
    assert ledger.entry(done.entries[0]).entry.predicate["erases"] == [
        {"index": index, "fields": ["negative", "prompt"]}
    ]
    assert b"freckles and more" not in all_bytes(bench.path)
    for fields in (["prompt"], []):
        with pytest.raises(LedgerConflict) as conflict:
            erase(ledger, [index], fields, basis="request", operator=second, now=NOW)
        assert conflict.value.code == "ledger.erased-already"
    ledger.checkpoint(bench.log, now=NOW)
    ledger.close()
    report = check(bench.path)
    assert report.ok and report.distrusted == (thief,)
    assert verifier.main(["ledger", str(bench.path)]) == 0


def test_a_value_that_no_erasure_names_is_absent(bench: Bench, ledger: Ledger) -> None:
    index = add(bench, ledger, "rain", seal("prompt", "words"))
    ledger._connection.execute("DELETE FROM sealed")
    assert sealed_fields(ledger, index) == {"prompt": "absent"}
    with pytest.raises(LedgerMissing) as caught:
        erase(ledger, [index], [], basis="request", operator=bench.operator, now=NOW)
    assert "not in this file" in caught.value.message


def test_bytes_that_remain_are_reported_and_never_called_gone(
    bench: Bench, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that does not overwrite: the row is deleted, the page keeps the words."""

    def careless(store: Store, rows: list[tuple[int, str]]) -> int:
        for row in rows:
            store.connection.execute("DELETE FROM sealed WHERE idx = ? AND field = ?", row)
        return len(rows)

    ledger._connection.set_authorizer(None)
    ledger._connection.execute("PRAGMA secure_delete = OFF")
    monkeypatch.setattr(Store, "erase_sealed", careless)
    index = add(bench, ledger, "rain", seal("prompt", "a woman in the rain, 35mm"))
    with pytest.raises(LedgerStorage) as caught:
        erase(ledger, [index], [], basis="request", operator=bench.operator, now=NOW)
    assert (caught.value.code, caught.value.exit_code) == ("ledger.erase-remains", 8)
    assert "ledger.sqlite at byte" in caught.value.message


@pytest.mark.parametrize("where", ["free page", "overflow", "journal", "page border"])
def test_fragments_are_found_wherever_they_stand(where: str, tmp_path: Path) -> None:
    secret = random.Random(where).randbytes(32) + b"words of a prompt that was erased"  # noqa: S311
    page = bytearray(4096 * 3)
    start = {"free page": 4096 * 2 + 17, "overflow": 4096 + 4, "page border": 4096 - 15}.get(where, 100)
    part = secret[:15] if where == "page border" else secret[9:25]
    page[start : start + len(part)] = part
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(bytes(4096) if where == "journal" else page)
    if where == "journal":
        (tmp_path / "ledger.sqlite-journal").write_bytes(page)
    (found, *_) = find_remains(path, [secret], [], lambda _: False)
    assert start <= found.offset < start + len(part)
    assert found.path.name == ("ledger.sqlite-journal" if where == "journal" else "ledger.sqlite")
    assert find_remains(path, [secret], [secret], lambda _: False) == []
    assert find_remains(path, [secret], [], lambda _: True) == []


def test_an_erasure_that_a_crash_cut_short_left_everything(bench: Bench, ledger: Ledger) -> None:
    index = add(bench, ledger, "rain", seal("prompt", "words"))
    ledger.close()
    script = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from ledger_bench import *; from personactl_ledger.store import Store\n"
        "from personactl_ledger.erasure import erase\n"
        "real = Store.erase_sealed\n"
        "def die(store, rows):\n    real(store, rows); store.connection.execute('PRAGMA cache_spill'); os._exit(9)\n"
        "Store.erase_sealed = die\n"
        "with Ledger.open_writer(sys.argv[1]) as ledger:\n"
        "    erase(ledger, [4], [], basis='x', operator=forge.signer('operator'), now=NOW)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(bench.path), str(Path(__file__).parent)], check=False)
    assert done.returncode == 9
    with Ledger.open_reader(bench.path) as again:
        assert again.unseal(index) == {"prompt": "words"}
        assert again.size == 5


def test_erasing_leaves_nothing_on_pages_that_were_split(tmp_path: Path) -> None:
    """A plain DELETE does, also with secure_delete: a page that was split may keep a copy of what moved away."""
    for seed in range(12):
        dice = random.Random(seed)  # noqa: S311
        path = tmp_path / f"{seed}.sqlite"
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(
            "CREATE TABLE sealed (idx INTEGER, field TEXT, salt BLOB, value TEXT, PRIMARY KEY (idx, field)) STRICT, "
            "WITHOUT ROWID"
        )
        kept: dict[int, tuple[bytes, str]] = {}
        for number in range(150):
            kept[number] = (dice.randbytes(32), dice.randbytes(dice.choice([3, 40, 200, 900, 5000])).hex())
            connection.execute("INSERT INTO sealed VALUES (?, 'prompt', ?, ?)", (number, *kept[number]))
            if dice.random() < 0.3:
                victim = dice.choice(list(kept))
                salt, value = kept.pop(victim)
                connection.execute("BEGIN IMMEDIATE")
                assert Store(connection).erase_sealed([(victim, "prompt")]) == 1
                connection.execute("COMMIT")
                found = path.read_bytes()
                assert not any(salt[start : start + 8] in found for start in range(25)), (seed, number)
                assert value[:24].encode() not in found or len(value) < 24
        assert {n: (s, v) for n, _, s, v in connection.execute("SELECT * FROM sealed")} == kept
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
