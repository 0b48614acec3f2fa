"""The crash order itself: which call follows which. Kills show a dead process, not a loss of power; this does."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from personactl_ledger.ledger import Ledger
from workshop import Workshop, text

from personactl.run import folders, making, staging
from personactl.run.state import RunState


class Recorder:
    """Stands in for `os`, and notes each call that changes something with the name of what it is about."""

    def __init__(self, project: Path) -> None:
        self.project, self.calls = project, []  # type: ignore[var-annotated]

    def note(self, call: str, about: str = "") -> None:
        about = re.sub(r"[0-9a-f]{32}", "ENTRY", about.replace(f"{self.project}", ""))
        self.calls.append(f"{call} {about}".rstrip())

    def named(self, descriptor: int) -> str:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in ("write", "fsync", "link", "unlink"):
            return real

        def call(*arguments: Any, **keywords: Any) -> Any:
            result = real(*arguments, **keywords)
            about = self.named(arguments[0]) if isinstance(arguments[0], int) else " ".join(arguments)
            self.note(name, about)
            return result

        return call


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to name descriptors")
def test_each_step_is_durable_before_the_next(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(shop.folder)
    monkeypatch.setattr(staging, "os", recorder)
    monkeypatch.setattr(folders, "os", recorder)
    for owner, name in (
        (RunState, "open_intent"),
        (RunState, "close_intent"),
        (Ledger, "append"),
        (making, "disclose"),
    ):
        real = getattr(owner, name)

        def noted(*arguments: Any, _real: Any = real, _name: str = name, **keywords: Any) -> Any:
            result = _real(*arguments, **keywords)
            recorder.note(_name)
            return result

        monkeypatch.setattr(owner, name, noted)
    run_id = shop.run(text("rain: in the rain")).run_id
    first = recorder.calls.index("open_intent")
    last = recorder.calls.index("close_intent")
    assert recorder.calls[first : last + 1] == [
        "open_intent",
        "disclose",
        "write /.personactl/staging/ENTRY",
        "fsync /.personactl/staging/ENTRY",
        "fsync /.personactl/staging",
        "append",
        "link ENTRY rain-0.png",
        f"fsync /out/{run_id}",
        "unlink ENTRY",
        "close_intent",
    ]
    assert "fsync /out" in recorder.calls[:first], "the name of a new run folder is durable before it is used"
