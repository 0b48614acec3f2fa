"""From one shot to one published picture, or to the end of its attempts. This is where the crash order lives.

One attempt, in the order that a crash at any point can be recovered from (`recovery` says how):

     1  intent committed                  .personactl/run.sqlite; the entryId, 128 random bits, is drawn here
     2  generate                          in memory
     3  poison checks, score, label room  a rejected attempt: `reject` entry, intent closed, next attempt
     4  disclose                          label, watermark, encode, sign, read back; still in memory
     5  stage                             .personactl/staging/<entryId>, fsync of file and folder
     6  `output` entry committed          from here on the picture is on record
     7  publish                           link() into out/<run>/, fsync of that folder: from here on it is visible
     8  staged name removed, intent closed

So no visible file lacks an entry: 6 comes before 7. And an entry whose file was lost between 6 and 7 is found by its
open intent. Steps 4 to 8 are shielded from the first Ctrl-C; step 2 is not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import cast

from personactl_ledger import Ledger

from personactl.config import Config
from personactl.disclose import C2paSigner, Watermarker, disclose, label_has_room
from personactl.errors import EXIT_PARTIAL, DisclosureError, KeyProblem, PersonactlError, StorageError
from personactl.generate import poison
from personactl.identity import VERDICT_CODES
from personactl.model import Candidate, Disclosed, Gate, IdentityRecord, IdentityVerdict, Plan, Scored, Shot
from personactl.plan import attempt_seed
from personactl.policy import Policy, check_layers
from personactl.run import entries
from personactl.run.context import Backend, Embedder, Observer, Scorer
from personactl.run.folders import Folder
from personactl.run.recovery import confirmed_spent
from personactl.run.references import References
from personactl.run.session import Session
from personactl.run.staging import Staging, is_taken, name_taken
from personactl.run.state import Intent, RunState, Spent
from personactl.run.stopping import Stopping

NO_LABEL_ROOM = "label-no-room"
_REASON_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The heavy parts, opened once for a start. `embedder` is None where no face conditions the model."""

    backend: Backend
    scorer: Scorer
    embedder: Embedder | None
    template: object
    references: References
    c2pa: C2paSigner
    watermarker: Watermarker
    policies: Sequence[Policy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of a shot. `reason`, `code` and `exit_code` are about a failure or a rejection."""

    state: str
    entry_index: int | None = None
    reason: str = ""
    code: str = ""
    exit_code: int = 0


class ShotFailed(Exception):
    """One shot could not be made; the others go on. `code` holds no text of the manifest."""

    def __init__(self, code: str, reason: str, exit_code: int) -> None:
        super().__init__(code)
        self.code, self.reason, self.exit_code = code, reason, exit_code


def attempts_of(gate: Gate) -> int:
    """How often a shot may be tried: another seed is tried only where drift is answered by one."""
    return gate.attempts if "reseed" in gate.on_drift else 1


@dataclass(slots=True, kw_only=True)
class Maker:
    """The local executor: one picture after the other, in this process."""

    plan: Plan
    config: Config
    ledger: Ledger
    session: Session
    state: RunState
    staging: Staging
    out: Folder
    tools: Tools
    observer: Observer
    stopping: Stopping
    clock: Callable[[], str]
    distrusted: Container[int] = ()

    def make(self, shot: Shot) -> Made:
        """Try a shot until an attempt passes; attempts that an earlier start spent are not repeated.

        Raises what ends the whole run: StorageError, KeyProblem, ConflictError, LedgerError, KeyboardInterrupt.
        """
        if is_taken(self.out, shot.file_name):
            raise name_taken(self.out, shot.file_name)
        spent = {
            item.attempt for item in confirmed_spent(self.ledger, self.state, shot.job_key, distrusted=self.distrusted)
        }
        rejected: Scored | None = None
        reason = ""
        for attempt in range(attempts_of(self.plan.gate)):
            if attempt in spent:
                continue
            try:
                made = self._attempt(shot, attempt)
            except ShotFailed as failure:
                return self._failed(shot, failure)
            if isinstance(made, Made):
                return made
            rejected, reason = made
        if rejected is not None:
            self.observer.on_reject(rejected)
        return Made(state="rejected", reason=reason, code=rejection_code(reason))

    def _attempt(self, shot: Shot, attempt: int) -> Made | tuple[Scored, str]:
        """The crash order of the module's docstring. Returns the output, or a rejected candidate with its reason."""
        self.stopping.deliver()
        entry_id = secrets.token_hex(16)
        self.state.open_intent(
            Intent(
                entry_id=entry_id,
                run=self.plan.run_id,
                job_key=shot.job_key,
                file_name=shot.file_name,
                attempt=attempt,
            ),
            now=self.clock(),
        )
        try:
            scored, reason = self._interruptible(entry_id, shot, attempt)
            with self.stopping.shield():
                if reason:
                    self._reject(entry_id, scored, reason)
                    return scored, reason
                return self._finish(entry_id, scored)
        except ShotFailed:
            self.state.close_intent(entry_id, "failed")
            raise

    def _interruptible(self, entry_id: str, shot: Shot, attempt: int) -> tuple[Scored, str]:
        """Steps 2 and 3. A candidate that is interrupted is dropped: its intent is closed before going on."""
        try:
            scored, reason = self._generate(shot, attempt)
            self.observer.on_attempt(scored)
        except KeyboardInterrupt:
            with self.stopping.shield():
                self.state.close_intent(entry_id, "dropped")
            raise
        return scored, reason

    def _generate(self, shot: Shot, attempt: int) -> tuple[Scored, str]:
        """A scored candidate and why it is rejected, "" when it passes."""

        def on_step(step: int, steps: int) -> None:
            self.observer.on_step(shot, step, steps)

        tools = self.tools
        try:
            faces = None if tools.embedder is None else tools.references.conditioning(shot, tools.embedder)
            candidate = tools.backend.run(
                shot, attempt=attempt, seed=attempt_seed(shot, attempt), conditioning=faces, on_step=on_step
            )
            poisoned = poison(candidate)
            if poisoned is not None:
                return self._poisoned(candidate), f"poison-{poisoned}"
            scored = tools.scorer.score(candidate, tools.template, self.plan.gate)
        except StorageError:
            raise
        except Exception as error:
            raise failure_of(error, shot) from error
        verdict = scored.identity.verdict
        if verdict != "pass":
            return scored, verdict
        label = self.plan.label
        return scored, "" if label is None or label_has_room(scored, label) else NO_LABEL_ROOM

    def _poisoned(self, candidate: Candidate) -> Scored:
        """A picture with nothing to score: no network is asked about it."""
        gate, scorer = self.plan.gate, self.plan.scorer
        record = IdentityRecord(
            verdict="not-scorable",
            score="",
            threshold=gate.threshold,
            threshold_source=gate.source,
            calibration_id=gate.calibration_id,
            recogniser_sha256=scorer.recogniser_sha256,
            faces_found=0,
            detector_score="",
            face_px=0,
            face_box=None,
        )
        return Scored(candidate=candidate, identity=record)

    def _reject(self, entry_id: str, scored: Scored, reason: str) -> None:
        draft = entries.reject(
            self.plan,
            scored,
            entry_id=entry_id,
            reason=reason,
            origin=self.ledger.origin,
            run_key=self.session.run_key,
        )
        index = self.session.append(draft)
        spent = Spent(
            attempt=scored.candidate.attempt,
            entry_index=index,
            verdict=reason,
            score=scored.identity.score,
        )
        self.state.close_rejected(entry_id, scored.candidate.shot.job_key, spent)

    def _finish(self, entry_id: str, scored: Scored) -> Made:
        """Steps 4 to 8: a finished picture becomes durable, then recorded, then visible."""
        shot = scored.candidate.shot
        disclosed = self._disclose(entry_id, scored)
        self.staging.stage(entry_id, disclosed.data, disclosed.sha256)
        draft = entries.output(self.plan, disclosed, origin=self.ledger.origin, run_key=self.session.run_key)
        index = self.session.append(draft)
        self.staging.publish(entry_id, disclosed.sha256, self.out, shot.file_name)
        self.staging.discard(entry_id)
        self.state.close_intent(entry_id, "published")
        self.observer.on_done(disclosed)
        return Made(state="done", entry_index=index)

    def _disclose(self, entry_id: str, scored: Scored) -> Disclosed:
        plan, shot = self.plan, scored.candidate.shot
        try:
            disclosed = disclose(
                scored,
                entry_id=entry_id,
                output=plan.output,
                persona_id=plan.persona_id,
                persona_version=plan.persona_version,
                model=plan.model,
                origin=self.ledger.origin,
                policies=plan.policies,
                organisation=self.config.organisation_name,
                detector=self.config.detector,
                signer=self.tools.c2pa,
                claimed_at=self.clock(),
                references=self.tools.references.files(shot),
                visible_label=plan.label,
                watermarker=self.tools.watermarker,
            )
            _require_layers(self.tools.policies, disclosed)
        except (KeyProblem, StorageError):
            raise
        except Exception as error:
            raise failure_of(error, shot) from error
        return disclosed

    def _failed(self, shot: Shot, failure: ShotFailed) -> Made:
        self.state.fail(self.plan.run_id, shot.job_key, failure.code, now=self.clock())
        self.observer.on_fail(shot, failure.reason)
        return Made(state="failed", reason=failure.reason, code=failure.code, exit_code=failure.exit_code)


def failure_of(error: Exception, shot: Shot) -> ShotFailed:
    """An exception of a library, or of ours, as the outcome of one shot. What it quotes of the prompts is cut out."""
    if isinstance(error, PersonactlError):
        code, text, exit_code = error.code, error.message, error.exit_code
    else:
        code, text, exit_code = "run.shot-failed", f"{type(error).__name__}: {error}", EXIT_PARTIAL
    for private in sorted((shot.prompt, shot.negative), key=len, reverse=True):
        text = text.replace(private, "…") if private else text
    return ShotFailed(code, " ".join(text.split())[:_REASON_CHARACTERS], exit_code)


def rejection_code(reason: str) -> str:
    """The explain page of a rejection: of a verdict, of a poisoned picture, or of one without room for its label."""
    if reason == NO_LABEL_ROOM:
        return "disclosure.label-no-room"
    return VERDICT_CODES.get(cast(IdentityVerdict, reason), "generate.poison")


def _require_layers(policies: Sequence[Policy], disclosed: Disclosed) -> None:
    """The marks that the plan's policies demand, against those that were read back."""
    found = check_layers(policies, (*disclosed.layers, *disclosed.statements))
    lacking = [finding for finding in found if finding.severity == "error"]
    if lacking:
        raise DisclosureError(lacking[0].message, hint=lacking[0].hint, code="disclosure.layer-missing")
