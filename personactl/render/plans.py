"""A plan for people: what will be made, with what, under which gate and policies, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from personactl.render import findings
from personactl.render.columns import columns
from personactl.render.counts import counted
from personactl.render.terminal import Line, Styled, Terminal

if TYPE_CHECKING:
    from personactl.model import Plan


def show(terminal: Terminal, plan: Plan, *, left: int) -> None:
    """The whole plan on stdout. `left` counts the pictures that have no standing entry in the ledger."""
    for line in _head(plan, left):
        terminal.line(*([line] if isinstance(line, str | Styled) else line))
    terminal.line()
    for line in columns(
        ("SHOT", "PICTURES", "SIZE", "STEPS", "SEED", "PROMPT"), _rows(plan), terminal.width(terminal.out)
    ):
        terminal.line(*([line] if isinstance(line, str | Styled) else line))
    told = [item for item in plan.findings if item.severity != "info" or terminal.verbosity > 0]
    if plan.findings:
        terminal.line()
    findings.show(terminal, told)
    if len(told) < len(plan.findings):
        terminal.line(f"{counted(len(plan.findings) - len(told), 'rule')} to check by hand, listed with -v")


def _head(plan: Plan, left: int) -> Iterator[Line]:
    total, gate, output = len(plan.shots), plan.gate, plan.output
    model = plan.model
    yield [
        Styled(plan.run_id, "bold"),
        f"  {counted(total, 'picture')} of {plan.persona_id}@{plan.persona_version}, from {plan.manifest_path}",
    ]
    yield _field("model", f"{model.name} ({model.family}, {model.license}), lock {model.sha256[:12]}")
    yield _field("scorer", f"{plan.scorer.name} ({plan.scorer.license})")
    drift = ", then ".join(gate.on_drift)
    yield _field(
        "gate", f"cosine ≥ {gate.threshold} ({gate.source}), {counted(gate.attempts, 'attempt')}, on drift {drift}"
    )
    scheme = "" if output.watermarker == "built-in" else f" ({output.watermarker})"
    marks = f"signed metadata and watermark{scheme}" if output.watermark else "signed metadata, no watermark"
    yield _field("disclosure", f"{marks}, {output.format}")
    yield _field("label", _label(plan))
    yield _field("policies", ", ".join(policy.id for policy in plan.policies))
    yield _field("to do", f"{left} of {counted(total, 'picture')}, at most {left * gate.attempts} generations")


def _label(plan: Plan) -> str:
    """Whether people will see a label, which one, and who decided it."""
    label, output = plan.label, plan.output
    if label is None:
        why = output.label_reason if output.label == "never" else "no policy asks for one"
        return f"none: {why}"
    who = ", ".join(label.asked_by) or 'label = "always"'
    return f"{' '.join(('AI', *label.words))}, {label.places[0]} if clear of the face ({who})"


def _rows(plan: Plan) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for shot_id, group in groupby(plan.shots, key=lambda shot: shot.shot_id):
        shots = list(group)
        first = shots[0]
        seed = str(first.base_seed) if first.given_seed else "derived"
        size = f"{first.width}×{first.height}"
        rows.append((shot_id, str(len(shots)), size, str(first.steps), seed, first.prompt))
    return rows


def _field(name: str, value: str) -> Line:
    return [Styled(f"  {name:<11}", "dim"), value]
