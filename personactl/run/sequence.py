"""The one sequence of a start: lock, recover, sort, make, close, checkpoint, receipts.

    ledger opened for writing            flock: one start at a time in a project, exit 75 for another
    recovery                             what the last start left behind (`recovery`)
    sort                                 standing, taken over, spent, or to make; what is distrusted does not stand
    tools opened                         model, scorer, certificates: before anything is written
    `run-open`                           operator-signed; certifies the run key, names the latest checkpoint
    `void` where a file was lost,        its picture is made again
      or its signature is distrusted
    every shot to make                   `making`: the crash order of one picture
    `run-close`, checkpoint, receipts    also when stopped by Ctrl-C; not after a storage error

A start that finds nothing to do writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, cast

from personactl_ledger import Ledger, StoredEntry

from personactl import continuity
from personactl import persona as personas
from personactl.disclose import C2paSigner
from personactl.errors import EXIT_CONFLICT, ConflictError, PersonactlError, PersonaError, StorageError
from personactl.keys import project_trust
from personactl.model import Finding, Plan, Shot
from personactl.plan import require_clean
from personactl.policy import load_all
from personactl.run import distrust, receipts
from personactl.run.context import Observer, RunContext, Unobserved
from personactl.run.entries import RunIdentity
from personactl.run.folders import Folder
from personactl.run.making import Maker, Tools, attempts_of, rejection_code
from personactl.run.recovery import VOID_REASON, Recovered, confirmed_spent, learn_spent, recover
from personactl.run.references import References
from personactl.run.session import Session, void_elsewhere
from personactl.run.staging import OUT, Staging, is_taken, name_taken, visible_sha256
from personactl.run.state import Job, RunState
from personactl.run.stopping import Stopping
from personactl.run.summary import Interrupted, RunSummary, State
from personactl.run.tally import Tally


def execute(plan: Plan, context: RunContext, *, observer: Observer | None = None) -> RunSummary:
    """Make what the plan says and is not made yet; running it again goes on where it stopped.

    A shot that fails is counted and the others go on. Raises before anything is written: PolicyError, LicenceError,
    PersonaError, ConflictError, ExtraMissing, WeightsError, KeyProblem, LedgerError (locked, missing, corrupt). Raises
    later: StorageError and LedgerError (the disk failed: nothing more is written), ConflictError (a name is taken),
    KeyProblem, and Interrupted, which carries the summary and the command that goes on.
    """
    _check(plan, context)
    with ExitStack() as stack:
        stopping = stack.enter_context(Stopping())
        ledger = stack.enter_context(continuity.open_writer(context.config, signers=context.keyset.signing))
        state = RunState.open(context.config.project)
        stack.callback(state.close)
        staging = Staging(context.config.project)
        stack.callback(staging.close)
        start = _Start(plan, context, observer or Unobserved(), ledger, state, staging, stopping)
        return start.run()


class _Start:
    """One start of a run, with everything it holds open."""

    def __init__(
        self, plan: Plan, context: RunContext, observer: Observer, ledger: Ledger, state: RunState, staging: Staging,
        stopping: Stopping,
    ) -> None:  # fmt: skip
        self.plan, self.context, self.observer = plan, context, observer
        self.ledger, self.state, self.staging, self.stopping = ledger, state, staging, stopping
        self.project = context.config.project
        self.tally = Tally(plan=plan)
        self.session: Session | None = None
        self.distrusted: frozenset[int] = frozenset()
        self.untrusted: list[StoredEntry] = []

    def run(self) -> RunSummary:
        try:
            recovered = self._recover()
            todo = self._sort(recovered)
            self._require_names(todo)
            self.observer.on_start(len(todo))
        except KeyboardInterrupt as error:
            raise self._interrupted() from error
        try:
            if todo:
                self._make(todo, recovered)
            elif self._left_open():
                self.session = self._open()
        except KeyboardInterrupt as error:
            raise self._interrupted() from error
        except StorageError:
            raise
        except PersonactlError:
            with self.stopping.last_words():
                self._close()
            raise
        with self.stopping.last_words():
            return self._close()

    def _interrupted(self) -> Interrupted:
        with self.stopping.last_words():
            return Interrupted(self._close(), self.context.resume, self.stopping.exit_code)

    # --- before ---

    def _recover(self) -> Recovered:
        frozen = _frozen_at(self.ledger, self.plan)
        if frozen is None:
            frozen_in = self._frozen_in()
            if frozen_in not in (None, self.ledger.origin):
                path = self.context.config.ledger_path
                raise continuity.other_ledger(self.ledger.origin, str(frozen_in), path)
            raise _not_frozen(self.plan)
        self.distrusted = distrust.distrusted(self.ledger)
        if frozen in self.distrusted:
            raise personas.distrusted_freeze(self.plan.persona_id, self.plan.persona_version, frozen)
        self.state.plan(
            self.plan.run_id,
            plan_sha256=self.plan.sha256,
            manifest_path=self.plan.manifest_path,
            attempts=attempts_of(self.plan.gate),
            jobs=[
                Job(job_key=shot.job_key, shot=shot.shot_id, index=shot.index, file_name=shot.file_name)
                for shot in self.plan.shots
            ],
            now=self.context.clock(),
        )
        learn_spent(self.ledger, self.state)
        found = recover(self.project, self.plan.run_id, ledger=self.ledger, state=self.state, staging=self.staging)
        self.tally.recovered = found.published
        self.tally.findings += found.findings
        return found

    def _frozen_in(self) -> str | None:
        """The origin of the ledger that froze the persona, as the marker in its folder says."""
        marker = personas.marker(self.project, self.context.persona)
        return None if marker is None else marker.origin

    def _require_names(self, todo: Sequence[Shot]) -> None:
        """Before the first start of a run: whatever has the name of a picture is not ours to move."""
        if self.ledger.run_state(self.plan.run_id) is not None:
            return
        try:
            out = Folder.open(self.project, OUT, self.plan.run_id, create=False)
        except FileNotFoundError:
            return
        with out:
            for shot in todo:
                if is_taken(out, shot.file_name):
                    raise name_taken(out, shot.file_name)

    def _sort(self, recovered: Recovered) -> list[Shot]:
        """Settle what needs no work; return the rest in the order of the plan."""
        lost = {stored.index for stored in recovered.lost}
        attempts = attempts_of(self.plan.gate)
        todo = []
        for shot in self.plan.shots:
            standing = self.ledger.by_job_key(shot.job_key)
            if standing is not None and standing.index not in lost and self._settled(shot, standing):
                continue
            spent = confirmed_spent(self.ledger, self.state, shot.job_key, distrusted=self.distrusted)
            if len({item.attempt for item in spent if item.attempt < attempts}) < attempts:
                todo.append(shot)
                continue
            reason = f"all {attempts} attempts were rejected before; the same seeds would give the same pictures"
            code = rejection_code(spent[-1].verdict)
            self.tally.settle(shot, "rejected", reason=reason, code=code, entry_index=spent[-1].entry_index)
            self.tally.rejected_before += 1
        return todo

    def _settled(self, shot: Shot, standing: StoredEntry) -> bool:
        """Whether an output that stands leaves nothing to make, or nothing that this run may make."""
        run, index = standing.entry.predicate["run"], standing.index
        own = run == self.plan.run_id
        if index not in self.distrusted:
            state: State = "standing" if own else "taken-over"
            self.tally.settle(shot, state, where=self._where(run, standing), entry_index=index)
            return True
        if not own:
            reason = distrust.stands_elsewhere(standing, self.state)
            self.tally.settle(
                shot, "failed", reason=reason, code=distrust.CODE, entry_index=index, exit_code=EXIT_CONFLICT
            )
            return True
        self.untrusted.append(standing)
        return False

    def _where(self, run: str, standing: StoredEntry) -> str:
        """The path of a standing output, relative to the project; "" and a finding when the very file is not there."""
        name, index = standing.entry.subject_name, standing.index
        where = f"{OUT}/{run}/{name}"
        found = visible_sha256(self.project, run, name)
        if found == standing.entry.subject_sha256:
            return where
        if found is None:
            finding = Finding(
                code="run.file-missing",
                severity="warning",
                message=f"{where} is on record (entry {index}) but not there; it may have been delivered, so it stands",
                hint="put it back from a delivery or a backup",
            )
        else:
            finding = Finding(
                code="integrity.altered",
                severity="error",
                message=f"{where} is not the file that entry {index} records: sha256 {found}",
                hint="restore the original from a backup or a delivery, then run the same command again",
            )
        self.tally.findings.append(finding)
        return ""

    def _left_open(self) -> bool:
        """Whether an earlier start of this run died before its run-close."""
        state = self.ledger.run_state(self.plan.run_id)
        return state is not None and state.open

    # --- at work ---

    def _make(self, todo: Sequence[Shot], recovered: Recovered) -> None:
        with ExitStack() as stack:
            tools = self._tools(todo)
            stack.callback(tools.backend.close)
            out = stack.enter_context(Folder.open(self.project, OUT, self.plan.run_id))
            with self.stopping.shield():
                wanted = {shot.job_key for shot in todo}
                lost = [stored for stored in recovered.lost if stored.entry.predicate["jobKey"] in wanted]
                self._void(lost, [stored for stored in self.untrusted if stored.entry.predicate["jobKey"] in wanted])
            maker = Maker(
                plan=self.plan,
                config=self.context.config,
                ledger=self.ledger,
                session=cast(Session, self.session),
                state=self.state,
                staging=self.staging,
                out=out,
                tools=tools,
                observer=self.observer,
                stopping=self.stopping,
                clock=self.context.clock,
                distrusted=self.distrusted,
            )
            for shot in todo:
                made = maker.make(shot)
                where = f"{out.name}/{shot.file_name}" if made.state == "done" else ""
                self.tally.settle(
                    shot,
                    cast(State, made.state),
                    reason=made.reason,
                    code=made.code,
                    where=where,
                    entry_index=made.entry_index,
                    exit_code=made.exit_code,
                )
                self.stopping.deliver()

    def _tools(self, todo: Sequence[Shot]) -> Tools:
        context = self.context
        policies = load_all(policy.id for policy in self.plan.policies)
        if {(item.id, item.sha256) for item in self.plan.policies} != {(item.id, item.sha256) for item in policies}:
            raise ConflictError(
                "a policy is not the one that was planned", where=self.plan.manifest_path,
                hint="plan again, and read what the policy says now", code="plan.stale",
            )  # fmt: skip
        references = References(self.project, context.persona)
        roots = project_trust.tsa_roots(context.config.trust_path)
        c2pa = C2paSigner(context.keyset.c2pa, ta_url=context.config.c2pa_tsa, tsa_roots=roots)
        watermarker = context.open_watermarker()
        scorer = context.open_scorer()
        template = references.template(scorer)
        backend = context.open_backend()
        conditioned = backend.embedding_dim > 0 and any(shot.references for shot in todo)
        return Tools(
            backend=backend,
            scorer=scorer,
            embedder=context.open_conditioner() if conditioned else None,
            template=template,
            references=references,
            c2pa=c2pa,
            watermarker=watermarker,
            policies=policies,
        )

    def _open(self) -> Session:
        identity = RunIdentity.of(self.plan, self.ledger.origin)
        return Session(self.ledger, identity, self.context.keyset, self.context.clock)

    def _void(self, lost: Sequence[StoredEntry], untrusted: Sequence[StoredEntry]) -> None:
        """Open the run, and take back what was recorded and lost, whichever run recorded it, and what is not believed.

        A file goes before its void: cut off in between, the next start finds a distrusted output as before.
        """
        for stored in lost:
            if stored.entry.predicate["run"] != self.plan.run_id:
                void_elsewhere(self.ledger, stored, VOID_REASON, self.context.keyset, self.context.clock)
        self.session = self._open()
        for stored in lost:
            if stored.entry.predicate["run"] == self.plan.run_id:
                self.session.void(stored, VOID_REASON)
        for stored in untrusted:
            self.tally.findings.append(distrust.set_aside(self.project, stored, self.staging))
            self.session.void(stored, distrust.VOID_REASON)
        for stored in lost:
            self.state.close_intent(stored.entry.predicate["entryId"], "voided")
            self.staging.discard(stored.entry.predicate["entryId"])
        self.tally.voided = len(lost) + len(untrusted)

    # --- after ---

    def _close(self) -> RunSummary:
        """Run-close, checkpoint and receipts, or none of them when nothing was opened and nothing lacks."""
        said: dict[str, Any] = {}
        if self.session is not None:
            tally = self.tally
            counts = self.session.close(
                done=tally.count("done"),
                failed=tally.count("failed"),
                rejected=tally.count("rejected"),
                skipped=tally.skipped,
                taken_over=tally.count("taken-over"),
            )
            said = {
                "outputs": counts.outputs,
                "rejects": counts.rejects,
                "first_index": self.session.first_index,
                "last_index": self.session.last_index,
            }
        said["checkpoint"] = self._receipts()
        learn_spent(self.ledger, self.state)  # so that a ledger that is cut back to before this start is noticed
        summary = self.tally.summary(**said)
        self.observer.on_finish(summary)
        return summary

    def _receipts(self) -> int | None:
        """Sign a checkpoint and write the receipts that are missing. Returns the signed size, None for neither."""
        wanted = receipts.missing(self.project, self.tally.outcomes.values(), self.ledger, self.context.keyset)
        if self.session is None and not wanted:
            return None
        checkpoint = self.ledger.checkpoint(self.context.keyset.log, now=self.context.clock())
        receipts.write(self.project, wanted, self.ledger, self.staging)
        return checkpoint.size


def _check(plan: Plan, context: RunContext) -> None:
    """What can be known before anything is opened. Raises PolicyError, LicenceError, PersonaError, ConflictError."""
    require_clean(plan)
    persona = context.persona
    if (persona.id, persona.version, persona.record_sha256) != (
        plan.persona_id,
        plan.persona_version,
        plan.persona_record_sha256,
    ):
        raise ConflictError(
            "the persona is not the one that was planned",
            where=f"{plan.persona_id}@{plan.persona_version}",
            hint="plan again",
            code="plan.stale",
        )
    if not persona.frozen:
        raise _not_frozen(plan)


def _frozen_at(ledger: Ledger, plan: Plan) -> int | None:
    """The entry of this very ledger that froze the persona version: a marker file alone proves nothing."""
    about = ledger.by_subject(plan.persona_record_sha256)
    return next((stored.index for stored in about if stored.entry.kind == "persona-freeze"), None)


def _not_frozen(plan: Plan) -> PersonaError:
    name = f"{plan.persona_id}@{plan.persona_version}"
    return PersonaError(
        "this version of the persona is not frozen in the project's ledger",
        where=name,
        hint=f"personactl persona freeze {name}",
        code="persona.not-frozen",
    )
