"""`keys revoke`: a key ends and none follows it. Whoever still signs for this project is not ended so: it is rotated.

The entry, then a checkpoint, then trust.json. Cut off in between, the same command does what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personactl_ledger import Ledger, key_id
from personactl_ledger.aftermath import distrusted_checkpoints, distrusted_entries
from personactl_ledger.keyring import Revocation
from personactl_ledger.predicates import LEDGER, OPERATOR, PERSON, ROOT
from personactl_ledger.revoking import known_key
from personactl_ledger.revoking import revoke as revoke_key
from personactl_ledger.signer import Signer

from personactl import continuity
from personactl.config import Config
from personactl.errors import ConflictError, KeyProblem, UsageProblem
from personactl.keys import keyset, moments, project_trust
from personactl.keys.keyset import KeySet
from personactl.keys.moments import Moment
from personactl.keys.people import at_hand, signers


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """What is so now. `index` is the key-revoke entry, `already` whether it stood there before; `distrusted` are all
    entries, and `distrusted_checkpoints` the sizes of all checkpoints, that revocations take back; `approvers` is
    (threshold, how many can still approve) when the key is named among them; `fallen` (role, key id) of the project's
    own keys that fell; `published` whether trust.json says it."""

    kid: str
    role: str
    index: int
    from_index: int
    already: bool
    distrusted: tuple[int, ...]
    distrusted_checkpoints: tuple[int, ...]
    approvers: tuple[int, int] | None
    fallen: tuple[tuple[str, str], ...]
    published: bool


def revoke(
    project: Config, kid: str, *, reason: str, compromised_since: int | None = None, now: Moment,
    more_roots: Sequence[Signer] = (),
) -> Revoked:  # fmt: skip
    """Let the root keys say that nothing that the key signs from now on, or signed from entry `compromised_since` on,
    is to be believed. `more_roots` are root keys that lie elsewhere and sign along. `now` is read under the
    writer's lock.

    Raises UsageProblem without a reason, KeyProblem (keys.unknown, keys.needs-successor, keys.root-offline),
    ConflictError (keys.revoked-already), EntryRefused (ledger.key-last, ledger.key-revoke-index), LedgerError,
    StorageError.
    """
    if not reason.strip():
        raise UsageProblem("--reason is empty", hint="say in a few words what happened; the ledger keeps it")
    keys = keyset.load(project.keys_path)
    others = [root for root in at_hand(keys, more_roots) if root.key_id != kid]
    with continuity.open_writer(project, signers=signers(keys, others)) as ledger:
        time = moments.read(now)
        known = known_key(ledger, kid)
        if known is None:
            raise _unknown(kid)
        done = known.revocation
        if done is None:
            _require_others(ledger, keys, known.role, kid)
            done = revoke_key(
                ledger, kid, from_index=compromised_since, reason=reason, roots=others or [keys.root], now=time
            )
        elif compromised_since not in (None, done.from_index):
            raise _already(kid, done)
        ledger.checkpoint(keys.log, now=time)
        published = project_trust.refresh(project.trust_path, keys, ledger, now=time)
        return Revoked(
            kid=kid, role=known.role, index=done.at, from_index=done.from_index,
            already=known.revocation is not None, distrusted=distrusted_entries(ledger),
            distrusted_checkpoints=distrusted_checkpoints(ledger), approvers=_approvers(ledger, kid),
            fallen=continuity.fallen(ledger, keys.in_folder), published=published,
        )  # fmt: skip


def _require_others(ledger: Ledger, keys: KeySet, role: str, kid: str) -> None:
    """Whoever signs for this project, or is the last who can, needs a successor first."""
    own = {OPERATOR: keys.operator.key_id, LEDGER: keys.log.key_id}
    if keys.root_signer is not None:
        own[ROOT] = keys.root_signer.key_id
    last = role in (OPERATOR, LEDGER) and ledger.in_use(role) == (kid,)
    if own.get(role) == kid or last:
        what = "the last one in use" if last else "the one that this project signs with"
        raise KeyProblem(
            f"this {role} key is {what}: nothing could be signed without a successor",
            hint=f"personactl keys rotate {role} (--compromised-since INDEX --reason TEXT when it was stolen)",
            code="keys.needs-successor",
        )


def _approvers(ledger: Ledger, kid: str) -> tuple[int, int] | None:
    """The threshold, and how many of those whom the newest trust entry names can still sign, if it names the key."""
    threshold, named = ledger.trust().approvers or (0, ())
    ids = [key_id(key) for key in named]
    return (threshold, len(set(ids) & set(ledger.in_use(PERSON)))) if kid in ids else None


def _unknown(kid: str) -> KeyProblem:
    return KeyProblem(
        f"the ledger knows no key {kid[:60]!r}",
        hint="personactl ledger log --kind key-add, or --kind run-open, then ledger show; an id begins with SHA256:",
        code="keys.unknown",
    )


def _already(kid: str, done: Revocation) -> ConflictError:
    return ConflictError(
        f"entry #{done.at} revoked {kid} from entry #{done.from_index} on, and a ledger revokes a key once",
        hint="in trust files that you hand out, `revoked` may say an earlier entry",
        code="keys.revoked-already",
    )
