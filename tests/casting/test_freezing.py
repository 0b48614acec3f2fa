"""Freezing a persona: ledger first, marker second, once for ever."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

import pytest
from personactl_ledger import Ledger, check
from workshop import NOW, Workshop

from personactl import casting, keys, persona
from personactl.casting import FreezeResult
from personactl.errors import ConflictError, PersonactlError, PersonaError

LATER = "2026-11-22T08:00:00Z"


def freeze(shop: Workshop, now: str = NOW) -> FreezeResult:
    """As the command does: the version is read, then frozen."""
    shop.persona = persona.load(shop.folder, "lira", 1)
    return casting.freeze(shop.config, shop.keyset, shop.persona, now=now)


def entries(shop: Workshop) -> list[Any]:
    return shop.ledger(kind="persona-freeze")


def test_a_frozen_version_is_on_record_and_marked(shop: Workshop) -> None:
    result = freeze(shop)
    (stored,) = entries(shop)
    said = stored.entry.predicate
    assert (stored.entry.subject_name, stored.entry.subject_sha256) == ("persona.json", result.persona.record_sha256)
    assert said["persona"] == {"id": "lira", "version": 1, "parent": None}
    assert said["references"] == [
        {"role": item.role, "sha256": item.sha256} for item in persona.load(shop.folder, "lira", 1).references
    ]
    assert stored.entry.key_ids == (shop.keyset.operator.key_id,)
    marker = json.loads((shop.folder / "personas/lira/1/frozen.json").read_text())
    assert marker == {
        "schema": "personactl.frozen/1",
        "recordSha256": result.persona.record_sha256,
        "entryIndex": stored.index,
        "origin": result.origin,
        "frozenAt": NOW,
    }
    assert (result.persona.frozen, result.entry_index, result.already) == (True, stored.index, False)
    assert check(shop.config.ledger_path).ok


def test_the_name_is_sealed(shop: Workshop) -> None:
    index = freeze(shop).entry_index
    with Ledger.open_reader(shop.config.ledger_path) as ledger:
        assert ledger.unseal(index) == {"name": shop.persona.name}
        assert shop.persona.name.encode() not in ledger.entry(index).entry.leaf
        assert ledger.latest_checkpoint().size == index + 1  # type: ignore[union-attr]


def test_freezing_again_writes_nothing(shop: Workshop) -> None:
    first = freeze(shop)
    data = shop.config.ledger_path.read_bytes()
    again = freeze(shop, LATER)
    assert (again.already, again.entry_index) == (True, first.entry_index)
    assert shop.config.ledger_path.read_bytes() == data


def test_a_crash_between_entry_and_marker_is_completed(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def died(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(persona, "mark_frozen", died)
        freeze(shop)
    assert not persona.load(shop.folder, "lira", 1).frozen
    result = freeze(shop, LATER)
    assert len(entries(shop)) == 1
    assert (result.already, result.persona.frozen) == (False, True)
    assert json.loads((shop.folder / "personas/lira/1/frozen.json").read_text())["frozenAt"] == NOW


@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "failed-but-persisted"])
@pytest.mark.parametrize("name", ["write", "fsync", "link", "rename", "replace"])
def test_a_failing_call_leaves_no_half_marker(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, name: str, persisted: bool
) -> None:
    real = getattr(os, name)

    def failing(*arguments: Any, **keywords: Any) -> Any:
        if persisted:
            real(*arguments, **keywords)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, name, failing)
        with contextlib.suppress(PersonactlError, OSError):
            freeze(shop)
    result = freeze(shop, LATER)
    assert (len(entries(shop)), result.persona.frozen) == (1, True)


def test_a_version_is_one_record_for_ever(shop: Workshop) -> None:
    freeze(shop)
    (shop.folder / "personas/lira/1/frozen.json").unlink()
    shop.persona = persona.load(shop.folder, "lira", 1)
    shop.persona = persona.update(shop.folder, shop.persona, {**shop.persona.record, "name": "Another"}, {})
    with pytest.raises(PersonaError) as caught:
        freeze(shop)
    assert caught.value.code == "persona.frozen-otherwise"
    assert len(entries(shop)) == 1


def test_a_marker_of_another_ledger_is_refused_before_anything_is_recorded(shop: Workshop) -> None:
    freeze(shop)
    shop.config.ledger_path.unlink()
    shop.new_ledger()
    with pytest.raises(ConflictError) as other:
        freeze(shop)
    assert other.value.code == "conflict.other-ledger"
    (shop.folder / ".personactl/ledgers.json").unlink()
    with pytest.raises(PersonaError) as caught:
        freeze(shop)
    assert caught.value.code == "persona.frozen-elsewhere"
    assert entries(shop) == []


def test_a_record_that_changed_meanwhile_is_refused(shop: Workshop) -> None:
    persona.update(shop.folder, shop.persona, {**shop.persona.record, "name": "Another"}, {})
    with pytest.raises(PersonaError) as caught:
        casting.freeze(shop.config, shop.keyset, shop.persona, now=NOW)
    assert caught.value.code == "persona.changed"
    assert entries(shop) == []


def test_a_lock_that_is_held_for_an_instant_does_not_stop_a_freeze(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:

    with contextlib.ExitStack() as stack:
        stack.enter_context(Ledger.open_writer(shop.config.ledger_path))
        monkeypatch.setattr("personactl_ledger.lock.sleep", lambda _seconds: stack.close())
        assert freeze(shop).entry_index > 0


def test_a_freeze_that_is_distrusted_is_not_said_to_be_one(shop: Workshop) -> None:
    index = freeze(shop).entry_index
    keys.rotate(shop.config, keys.Request(role="operator", compromised_since=index, reason="lost"), now=LATER)
    shop.keyset = keys.load(shop.config.keys_path)
    size = len(shop.ledger())
    with pytest.raises(ConflictError) as refused:
        freeze(shop)
    assert (refused.value.code, refused.value.exit_code) == ("run.distrusted", 10)
    assert "persona new lira --from lira@1" in (refused.value.hint or "")
    assert len(shop.ledger()) == size
    made = persona.create(shop.folder, "lira", from_version=1)
    assert not casting.freeze(shop.config, shop.keyset, made, now=LATER).already
