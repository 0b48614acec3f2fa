"""What must be true after any fault and one more run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from personactl_ledger import check
from two_pictures import MANIFEST
from workshop import Workshop, sha256


@dataclass(frozen=True)
class Oracle:
    """Judges a project after a fault: one more run completes it, and everything is as if nothing had happened."""

    pixels: dict[str, str]

    def judge(self, project: Path, fault: str) -> None:
        shop = Workshop(project)
        run_id = shop.plan(MANIFEST).run_id
        seen = {name: sha256(shop.out(run_id) / name) for name in shop.visible(run_id)}
        summary = shop.run(MANIFEST)
        assert summary.findings == (), f"{fault}: {summary.findings}"
        assert (summary.planned, summary.exit_code) == (2, 0), fault
        assert summary.planned == summary.done + summary.failed + summary.rejected + summary.skipped, fault
        assert shop.visible(run_id) == sorted(self.pixels), fault
        assert shop.pixels(run_id) == self.pixels, fault
        outputs = {stored.entry.subject_sha256: stored for stored in shop.ledger(kind="output")}
        for name in shop.visible(run_id):
            path = shop.out(run_id) / name
            assert outputs[sha256(path)].entry.subject_name == name, f"{fault}: {name} has no entry"
            assert sha256(path) == seen.get(name, sha256(path)), f"{fault}: {name} changed after it was visible"
            assert path.with_name(name + ".receipt").stat().st_size > 0, fault
        assert list((project / ".personactl/staging").iterdir()) == [], fault
        rejected = [stored.entry.predicate for stored in shop.ledger(kind="reject")]
        assert len({(said["jobKey"], said["attempt"]) for said in rejected}) == len(rejected) == 1, fault
        assert shop.kinds()[-1] == "run-close", fault
        report = check(shop.config.ledger_path)
        assert report.ok, f"{fault}: {report.findings}"
