"""After a theft: pictures whose entries are not believed any more are made again by their own run, and by no other."""

from __future__ import annotations

import os

import pytest
from personactl_ledger import check
from workshop import NOW, Workshop, sha256, text

from personactl import keys, run
from personactl.errors import ConflictError
from personactl.run.staging import Staging

ONE = text("rain*2: in the rain", seed=7)
OTHER = text("rain*2: in the rain", campaign="summer", seed=7)
DARK = text("dark: lights out", "rain: in the rain", attempts=2)


def revoke(shop: Workshop, since: int | None = None) -> None:
    """The operator key was stolen when the first run began, or at `since`."""
    first = shop.ledger(kind="run-open")[0].index if since is None else since
    keys.rotate(shop.config, keys.Request(role="operator", compromised_since=first, reason="lost"), now=NOW)
    shop.keyset = keys.load(shop.config.keys_path)


def quarantined(shop: Workshop) -> dict[str, str]:
    return {path.name: sha256(path) for path in (shop.folder / ".personactl/quarantine").glob("*/*")}


def test_the_same_manifest_voids_and_makes_again_what_is_distrusted(shop: Workshop) -> None:
    run_id = shop.run(ONE).run_id
    before = {name: sha256(shop.out(run_id) / name) for name in shop.visible(run_id)}
    old = [stored.index for stored in shop.ledger(kind="output")]
    revoke(shop)
    summary = shop.run(ONE)
    assert (summary.done, summary.skipped, summary.voided, summary.exit_code) == (2, 0, 2, 0)
    assert [finding.code for finding in summary.findings] == ["run.distrusted"] * 2
    voids = shop.ledger(kind="void")
    assert [stored.entry.predicate["voids"] for stored in voids] == old
    assert {stored.entry.predicate["reason"] for stored in voids} == {"signed by a key that was revoked from before it"}
    after = {name: sha256(shop.out(run_id) / name) for name in shop.visible(run_id)}
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    assert before.items() <= quarantined(shop).items()
    assert {f"{name}.receipt" for name in before} <= set(quarantined(shop))
    report = check(shop.config.ledger_path)
    assert report.ok
    assert set(report.distrusted) & {stored.index for stored in shop.ledger(kind="output")} == set(old)
    assert all((shop.out(run_id) / f"{name}.receipt").is_file() for name in after)
    again = shop.run(ONE)
    assert (again.done, again.skipped, again.first_index) == (0, 2, None)


def test_another_run_does_not_take_them_over_and_says_which_run_has_to_be_repeated(shop: Workshop) -> None:
    run_id = shop.run(ONE).run_id
    assert shop.run(OTHER).taken_over == 2
    revoke(shop)
    size = len(shop.ledger())
    summary = shop.run(OTHER)
    assert (summary.failed, summary.taken_over, summary.exit_code) == (2, 0, 10)
    assert {outcome.code for outcome in summary.outcomes} == {"run.distrusted"}
    assert all(run_id in item.reason and "manifests/test.toml" in item.reason for item in summary.outcomes)
    assert len(shop.ledger()) == size
    assert shop.run(ONE).done == 2
    summary = shop.run(OTHER)
    assert (summary.taken_over, summary.exit_code) == (2, 0)


def test_status_and_why_show_them(shop: Workshop) -> None:
    run_id = shop.run(ONE).run_id
    other = shop.run(OTHER).run_id
    plan, elsewhere = shop.plan(ONE), shop.plan(OTHER)
    assert run.outstanding(shop.config, plan) == ()
    revoke(shop)
    for name in (run_id, other):
        found = run.status(shop.config, name)
        assert (found.done, found.left) == (0, 2)
        assert {(item.state, item.reason) for item in found.pictures} == {("left", "run.distrusted")}
    assert run.outstanding(shop.config, plan) == plan.shots
    index = shop.ledger(kind="output")[0].index
    assert f"to be made: entry {index} was signed by a key" in run.why(shop.config, plan, plan.shots[0])
    assert f"it stands in run {run_id}" in run.why(shop.config, elsewhere, elsewhere.shots[0])
    shop.run(ONE)
    assert run.status(shop.config, run_id).done == 2
    assert run.outstanding(shop.config, elsewhere) == ()


def test_files_that_are_gone_are_made_again_too(shop: Workshop) -> None:
    run_id = shop.run(ONE).run_id
    shop.out(run_id).rename(shop.folder / "moved away")
    revoke(shop)
    assert shop.run(ONE).done == 2
    assert shop.visible(run_id) == ["rain-0.png", "rain-1.png"]


def test_what_was_signed_before_the_theft_stands(shop: Workshop) -> None:
    run_id = shop.run(ONE).run_id
    later = shop.run(text("park: in a park")).run_id
    revoke(shop, shop.ledger(kind="run-open", run=later)[0].index)
    assert shop.run(ONE).skipped == 2
    assert run.status(shop.config, run_id).done == 2
    assert shop.run(text("park: in a park")).done == 1


def test_attempts_that_only_a_distrusted_entry_says_were_spent_are_made(shop: Workshop) -> None:
    run_id = shop.run(DARK).run_id
    assert run.status(shop.config, run_id).rejected == 1
    revoke(shop)
    assert run.status(shop.config, run_id).left == 2
    size = len(shop.ledger(kind="reject"))
    summary = shop.run(DARK)
    assert (summary.done, summary.rejected, summary.rejected_before) == (1, 1, 0)
    assert len(shop.ledger(kind="reject")) == 2 * size
    assert shop.run(DARK).rejected_before == 1


@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_cut_off_while_a_file_is_moved_the_next_start_goes_on(
    calls: int, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = shop.run(ONE).run_id
    revoke(shop)
    left, real = calls, Staging.quarantine

    def stopping(self: Staging, *arguments: object) -> str:
        nonlocal left
        done = real(self, *arguments)  # type: ignore[arg-type]
        left -= 1
        if not left:
            raise OSError(5, os.strerror(5))
        return done

    monkeypatch.setattr(Staging, "quarantine", stopping)
    with pytest.raises(OSError, match="Input/output"):
        shop.run(ONE)
    monkeypatch.undo()
    summary = shop.run(ONE)
    assert summary.exit_code == 0
    assert shop.visible(run_id) == ["rain-0.png", "rain-1.png"]
    assert run.status(shop.config, run_id).done == 2
    assert check(shop.config.ledger_path).ok


def test_a_persona_whose_freeze_is_distrusted_is_not_used(shop: Workshop) -> None:
    revoke(shop, shop.ledger(kind="persona-freeze")[0].index)
    size = len(shop.ledger())
    with pytest.raises(ConflictError) as refused:
        shop.run(ONE)
    assert (refused.value.code, refused.value.exit_code) == ("run.distrusted", 10)
    assert "personactl persona new lira --from lira@1" in (refused.value.hint or "")
    assert len(shop.ledger()) == size
