"""A project with real keys, a real ledger and a frozen persona, whose pictures are drawn (`drawn_backend`)."""

from __future__ import annotations

import hashlib
import io
import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from drawn_backend import DrawnBackend, MiddleEmbedder, MiddleScorer, draw
from personactl_ledger import Ledger, StoredEntry
from PIL import Image

from personactl import casting, config, keys, manifest, persona, policy
from personactl import plan as planning
from personactl import run as running
from personactl.config import Config
from personactl.disclose import Watermarker, watermark
from personactl.keys import KeySet
from personactl.model import Capabilities, ModelLock, Persona, Plan, ScorerLock
from personactl.run import Observer, RunContext, RunSummary

NOW = "2026-11-21T08:00:00Z"
CONFIG = """\
schema = 1
[organisation]
name = "Example Studio"
domain = "example.org"
"""
MODEL = ModelLock(
    name="drawn", family="drawn", backend="diffusers", license="Apache-2.0", license_sha256="11" * 32, commercial=True,
    sha256="22" * 32, files=(), resolution=(128, 128), default_steps=2, default_guidance="2.5",
    default_scheduler="dpmsolver++",
)  # fmt: skip
SCORER = ScorerLock(
    name="middle", license="Apache-2.0", commercial=True, detector_sha256="aa" * 32, recogniser_sha256="cc" * 32,
    conditioner_sha256="bb" * 32, threshold="0.5", calibration_id="", far="", far_upper95="",
)  # fmt: skip
CAPABILITIES = Capabilities(
    modes=("t2i",), max_references=4, negative="native", schedulers=("dpmsolver++",), size_multiple=8, min_size=64,
    max_size=512,
)  # fmt: skip


def png(seed: int) -> bytes:
    data = io.BytesIO()
    Image.fromarray(draw(128, 128, seed)).save(data, "PNG")
    return data.getvalue()


def found(folder: Path, *, freeze: bool = True) -> None:
    """Make the project in an empty folder: configuration, keys, ledger, persona lira@1."""
    (folder / config.FILE_NAME).write_text(CONFIG)
    project = config.find(folder)
    keys.create_development(project.keys_path, organisation="Example Studio", domain="example.org", now=NOW)
    keyset = keys.load(project.keys_path)
    new_ledger(project, keyset)
    blank = persona.create(folder, "lira")
    files = {f"refs/{role}.png": png(seed) for seed, role in enumerate(("hero", "three-quarter"), start=100)}
    references = [
        {"role": Path(name).stem, "path": name, "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    ]
    made = persona.update(folder, blank, {**blank.record, "references": references}, files)
    if freeze:
        casting.freeze(project, keyset, made, now=NOW)


def new_ledger(project: Config, keyset: KeySet) -> None:
    with Ledger.create(
        project.ledger_path, domain="example.org", development=True, root=keyset.root,
        operator_public=keyset.operator.public_key, log=keyset.log, now=NOW,
    ) as ledger:  # fmt: skip
        ledger.checkpoint(keyset.log, now=NOW)


def text(
    *shots: str, campaign: str = "spring", threshold: str = "-1.0", attempts: int = 3, seed: int | None = None,
    extra: str = "",
) -> str:  # fmt: skip
    """A manifest. Each shot is "id: prompt" or "id*count: prompt"; with `seed` the pictures do not depend on keys."""
    lines = [
        "schema = 1", "[campaign]", f'id = "{campaign}"', 'persona = "lira@1"', "[identity]",
        f"threshold = {threshold}", f"attempts = {attempts}", 'on_drift = ["reseed"]', extra,
    ]  # fmt: skip
    for shot in shots:
        head, _, prompt = shot.partition(": ")
        name, _, count = head.partition("*")
        lines += ["[[shot]]", f'id = "{name}"', f'prompt = "{prompt}"', f"count = {count or 1}"]
        lines += [f"seed = {seed}"] if seed is not None else []
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class Workshop:
    """A copy of the project in a folder of its own. `backend` is the one that the last run opened.

    `watermarker` marks what is run next.
    """

    folder: Path
    config: Config = field(init=False)
    keyset: KeySet = field(init=False)
    persona: Persona = field(init=False)
    backend: DrawnBackend | None = None
    watermarker: Watermarker = watermark.DEFAULT

    def __post_init__(self) -> None:
        self.config = config.find(self.folder)
        self.keyset = keys.load(self.config.keys_path)
        self.persona = persona.load(self.folder, "lira", 1)

    @classmethod
    def copy(cls, template: Path, folder: Path) -> Workshop:
        shutil.copytree(template, folder)
        return cls(folder)

    def plan(self, source: str) -> Plan:
        parsed = manifest.parse(source.encode(), "manifests/test.toml")
        return planning.expand(parsed, self.persona, policy.load_all(()), MODEL, SCORER, CAPABILITIES)

    def context(self, make: Callable[[], DrawnBackend] = DrawnBackend) -> RunContext:
        def open_backend() -> DrawnBackend:
            self.backend = make()
            return self.backend

        ticks = itertools.count()
        return RunContext(
            config=self.config,
            keyset=self.keyset,
            persona=self.persona,
            open_backend=open_backend,
            open_conditioner=MiddleEmbedder,
            open_scorer=MiddleScorer,
            resume="personactl run manifests/test.toml",
            clock=lambda: f"2026-11-21T10:{next(ticks) // 60 % 60:02d}:{0:02d}Z",
            open_watermarker=lambda: self.watermarker,
        )

    def run(
        self, source: str | Plan, observer: Observer | None = None, make: Callable[[], DrawnBackend] = DrawnBackend
    ) -> RunSummary:
        self.backend = None
        plan = self.plan(source) if isinstance(source, str) else source
        return running.execute(plan, self.context(make), observer=observer)

    def ledger(self, **filters: str) -> list[StoredEntry]:
        with Ledger.open_reader(self.config.ledger_path) as ledger:
            return list(ledger.entries(**filters))  # type: ignore[arg-type]

    def kinds(self, start: int = 0) -> list[str]:
        return [stored.entry.kind for stored in self.ledger()][start:]

    def out(self, run_id: str) -> Path:
        return self.folder / "out" / run_id

    def visible(self, run_id: str) -> list[str]:
        """Names of the pictures in the run's folder."""
        folder = self.out(run_id)
        return sorted(path.name for path in folder.iterdir() if path.suffix == ".png") if folder.is_dir() else []

    def pixels(self, run_id: str) -> dict[str, str]:
        """Picture name → digest of the pixels that were made, from the standing outputs."""
        with Ledger.open_reader(self.config.ledger_path) as ledger:
            standing = [
                stored
                for stored in ledger.entries(kind="output", run=run_id)
                if (by_key := ledger.by_job_key(stored.entry.predicate["jobKey"])) and by_key.index == stored.index
            ]
        assert len({stored.entry.predicate["jobKey"] for stored in standing}) == len(standing)
        return {stored.entry.subject_name: stored.entry.predicate["pixelsSha256"] for stored in standing}

    def new_ledger(self) -> None:
        new_ledger(self.config, self.keyset)

    def thawed(self) -> Persona:
        return replace(self.persona, frozen=False)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
