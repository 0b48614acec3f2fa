"""Every rule about who may say what, and when (SPEC 6). No storage, no clock: append and check use the same object.

6.2  the first entry is the genesis, signed by root keys that it lists; it makes the origin
6.3  every other entry names that origin
6.4  a kind is signed only by keys of its role, enrolled at a lower index, not retired, not revoked
6.5  run entries are signed by the key that the run's latest run-open certified, while the run is open
6.6  a key is enrolled once and for one role; weak keys never
6.7  an entryId belongs to one entry; a jobKey has at most one standing output; a persona version is frozen once
6.8  a void repeats an output of its own run that still stands, a withdrawal an adoption
6.9  a run-close adds up
6.10 a kind of a later version decides nothing; one operator key signs it
6.12 a trust entry is the next version, and names only persons whose keys are in use, and witnesses as in 14.2
10.3 an erasure names fields that earlier entries commit to
17.3 a restore is what a new ledger says first, and is about another one
17.6 entries of another ledger are taken in from its first on, without a gap; a merge says to which tree they lead
"""

from __future__ import annotations

from collections.abc import Callable

from personactl_ledger.book import Book, RunState
from personactl_ledger.cosignature import group_witnesses
from personactl_ledger.ed25519 import verify_signature
from personactl_ledger.entry import Entry
from personactl_ledger.envelope import pae
from personactl_ledger.errors import EntryRefused, FormatError, LedgerConflict
from personactl_ledger.keyring import Keyring, read_key, read_vkeys
from personactl_ledger.predicates import KINDS, LEDGER, PERSON, ROOT, RUN, SEVERAL_SIGNERS, UNKNOWN_SIGNER


def origin_of(genesis: Entry) -> str:
    """`<domain>/personactl/<first 16 hex digits of the genesis leaf hash>` (SPEC 6.2)."""
    return f"{genesis.predicate['domain']}/personactl/{genesis.leaf_hash.hex()[:16]}"


class Rules:
    """Judges entries in the order of the log. `origin` is empty until the genesis was recorded."""

    def __init__(self, book: Book):
        self.book = book
        self.keyring = Keyring()
        self.origin = ""
        self.development = False
        self.root_threshold = 1
        self.trust_version = 0
        self._special: dict[str, Callable[[int, Entry], None]] = {
            "trust": self._trust,
            "key-add": self._key_add,
            "key-retire": self._key_retire,
            "key-revoke": self._key_revoke,
            "run-open": self._run_open,
            "output": self._output,
            "reject": self._entry_id,
            "void": self._void,
            "run-close": self._run_close,
            "persona-freeze": self._persona_freeze,
            "adoption": self._entry_id,
            "withdrawal": self._withdrawal,
            "erasure": self._erasure,
            "restore": self._restore,
            "merged": self._merged,
            "merge": self._merge,
        }

    def admit(self, index: int, entry: Entry, *, verify: bool = True, signed_by: tuple[bytes, ...] = ()) -> None:
        """Judge the entry for place `index`; nothing is remembered. `verify=False` leaves out the signatures alone.

        `signed_by` are the public keys that have signed the entry in this process (docs/adr/0116).
        Raises EntryRefused, LedgerConflict or FormatError naming the rule by its code.
        """
        self.admit_signers(index, entry, verify=verify, signed_by=signed_by)
        special = self._special.get(entry.kind)
        if special is not None:
            special(index, entry)

    def admit_signers(
        self, index: int, entry: Entry, *, verify: bool = True, signed_by: tuple[bytes, ...] = ()
    ) -> None:
        """SPEC 6.2 to 6.5 alone: who signed, and whether they may. All that a receipt can show about its entry."""
        keys = self._genesis(entry) if index == 0 else self._signers(index, entry)
        if not verify or signed_by == tuple(keys):
            return
        message = pae(entry.payload)
        for key, signature in zip(keys, entry.signatures, strict=True):
            if not verify_signature(key, signature.signature, message):
                raise EntryRefused(f"the signature by {signature.key_id} is wrong", code="ledger.signature")

    def record(self, index: int, entry: Entry) -> None:
        """Remember an entry that was admitted."""
        if index == 0:
            self.origin = origin_of(entry)
            self.development = entry.predicate["development"]
            self.root_threshold = entry.predicate.get("rootThreshold", 1)
        if entry.kind == "trust":
            self.trust_version = entry.predicate["version"]
        self.keyring.record(index, entry)
        self.book.record(index, entry)

    def _genesis(self, entry: Entry) -> list[bytes]:
        """SPEC 6.2."""
        if entry.kind != "genesis":
            raise EntryRefused(f"the first entry is of kind {entry.kind}, not genesis", code="ledger.genesis")
        listed = {item["kid"]: read_key(item["kid"], item["publicKey"]) for item in entry.predicate["rootKeys"]}
        if len(listed) != len(entry.predicate["rootKeys"]):
            raise EntryRefused("the genesis lists a root key twice", code="ledger.key-twice")
        if not set(entry.key_ids) <= set(listed):
            raise EntryRefused("the genesis is signed by a key that it does not list", code="ledger.signer-unknown")
        _require_roots(entry, entry.predicate.get("rootThreshold", 1))
        return [listed[key] for key in entry.key_ids]

    def _signers(self, index: int, entry: Entry) -> list[bytes]:
        """The raw public keys behind each signature (SPEC 6.3 to 6.5)."""
        if entry.kind == "genesis":
            raise EntryRefused("a second genesis", code="ledger.genesis")
        if entry.predicate["origin"] != self.origin:
            raise EntryRefused(
                f"the entry belongs to {entry.predicate['origin']!r:.120}, not to {self.origin}", code="ledger.origin"
            )
        role = KINDS.get(entry.kind, UNKNOWN_SIGNER)
        if len(entry.key_ids) > 1 and role not in SEVERAL_SIGNERS:
            raise EntryRefused(f"a {entry.kind} entry has exactly one signer", code="ledger.signer-role")
        if role == ROOT:
            _require_roots(entry, self.root_threshold)
        if role == RUN:
            return [self._run_signer(index, entry)]
        return [self.keyring.usable(key, role, index).public_key for key in entry.key_ids]

    def _run_signer(self, index: int, entry: Entry) -> bytes:
        """SPEC 6.5."""
        state = self._open_run(entry)
        key = entry.key_ids[0]
        if key != state.key_id:
            raise EntryRefused(
                f"the entry is signed by {key}; the run's latest run-open (entry {state.open_index}) certified another",
                code="ledger.run-key",
            )
        self.keyring.require_unrevoked(key, index)
        return state.public_key

    def _open_run(self, entry: Entry) -> RunState:
        run = entry.predicate["run"]
        state = self.book.run(run)
        if state is None:
            raise EntryRefused(f"no run-open entry for the run {run}", code="ledger.run-unknown")
        if not state.open:
            raise EntryRefused(f"the run {run} is closed; open it again first", code="ledger.run-closed")
        return state

    def _trust(self, index: int, entry: Entry) -> None:
        """SPEC 6.12."""
        said = entry.predicate
        if said["version"] != self.trust_version + 1:
            raise EntryRefused(
                f"the trust entry has version {said['version']}, and {self.trust_version + 1} is next",
                code="ledger.trust-version",
            )
        persons = {key.key_id for key in self.keyring.active(PERSON)}
        strangers = [key for key in (said["approvers"] or {"keys": []})["keys"] if key not in persons]
        if strangers:
            raise EntryRefused(
                f"the approver {strangers[0]} is not the key of a person that is in use here",
                hint="personactl keys enrol PUBLIC.pem",
                code="ledger.trust-approver",
            )
        witnesses = said["witnesses"] or {"quorum": 0, "vkeys": []}
        named = group_witnesses(witnesses["vkeys"], log_keys=self.keyring.not_witnesses(), origin=self.origin)
        if witnesses["quorum"] > len(named):
            raise FormatError("the quorum of a trust entry is above the number of witnesses", code="ledger.predicate")

    def _key_add(self, index: int, entry: Entry) -> None:
        """SPEC 6.6."""
        said = entry.predicate
        public_key = read_key(said["kid"], said["publicKey"])
        self._require_new_key(said["kid"])
        if said["role"] == LEDGER:
            read_vkeys(said, self.origin, public_key)

    def _require_new_key(self, key: str) -> None:
        if key in self.keyring.keys or self.book.certified(key):
            raise EntryRefused(f"the key {key} is enrolled already; a key serves once", code="ledger.key-twice")

    def _key_retire(self, index: int, entry: Entry) -> None:
        """SPEC 6.6: only an enrolled key that was not retired before, and never the last root."""
        key = self.keyring.keys.get(entry.predicate["kid"])
        if key is None or key.retired is not None:
            raise EntryRefused("the key to retire is not enrolled, or retired already", code="ledger.key-unknown")
        self._require_roots_left(entry.predicate["kid"])

    def _key_revoke(self, index: int, entry: Entry) -> None:
        """SPEC 6.6: an enrolled or run key, once, from an index that is not in the future."""
        said = entry.predicate
        known = said["kid"] in self.keyring.keys or self.book.certified(said["kid"])
        if not known or said["kid"] in self.keyring.revocations:
            raise EntryRefused("the key to revoke is not known here, or revoked already", code="ledger.key-unknown")
        if said["fromIndex"] > index:
            raise EntryRefused("a revocation cannot begin after its own entry", code="ledger.key-revoke-index")
        self._require_roots_left(said["kid"])

    def _require_roots_left(self, ended: str) -> None:
        """SPEC 6.6: as many root keys as must sign stay in use."""
        roots = self.keyring.roots
        if ended in roots and len(roots) <= self.root_threshold:
            raise EntryRefused(
                "the last root key cannot be ended; add its successor first",
                hint="personactl keys rotate root, or keys enrol PUBLIC.pem --role root",
                code="ledger.key-last",
            )

    def _run_open(self, index: int, entry: Entry) -> None:
        """SPEC 6.5: a fresh, sound run key; a later start of a run follows the same plan."""
        said = entry.predicate
        read_key(said["runKey"]["kid"], said["runKey"]["publicKey"])
        self._require_new_key(said["runKey"]["kid"])
        before = self.book.run(said["run"])
        if before is not None and (before.plan_sha256, before.planned) != (said["planSha256"], said["planned"]):
            raise EntryRefused(
                f"the run {said['run']} was opened by entry {before.open_index} with another plan",
                code="ledger.run-plan",
            )

    def _entry_id(self, index: int, entry: Entry) -> None:
        """SPEC 6.7."""
        found = self.book.entry_id(entry.predicate["entryId"])
        if found is not None:
            raise LedgerConflict(
                f"entry {found} has the entryId {entry.predicate['entryId']} already", code="ledger.entry-id-twice"
            )

    def _output(self, index: int, entry: Entry) -> None:
        """SPEC 6.7."""
        self._entry_id(index, entry)
        standing = self.book.standing(entry.predicate["jobKey"])
        if standing is not None:
            raise LedgerConflict(
                f"entry {standing} is a standing output of the same job",
                hint="take that output over, or void it first",
                code="ledger.job-key-twice",
            )

    def _void(self, index: int, entry: Entry) -> None:
        """SPEC 6.8."""
        said = entry.predicate
        target = self.book.output(said["voids"])
        if target is None or target.voided:
            raise EntryRefused(f"entry {said['voids']} is not a standing output", code="ledger.void-target")
        same = (target.run, target.entry_id, target.job_key, target.subject_sha256)
        if same != (said["run"], said["entryId"], said["jobKey"], entry.subject_sha256):
            raise EntryRefused(
                f"the void does not repeat run, entryId, jobKey and subject of entry {said['voids']}",
                code="ledger.void-target",
            )

    def _withdrawal(self, index: int, entry: Entry) -> None:
        """SPEC 6.8."""
        said = entry.predicate
        target = self.book.adoption(said["withdraws"])
        same = target and (target.entry_id, target.subject_sha256) == (said["entryId"], entry.subject_sha256)
        if target is None or target.withdrawn or not same:
            raise EntryRefused(
                f"entry {said['withdraws']} is not a standing adoption with this entryId and subject",
                code="ledger.withdrawal-target",
            )

    def _persona_freeze(self, index: int, entry: Entry) -> None:
        """SPEC 6.7."""
        persona = entry.predicate["persona"]
        found = self.book.frozen(persona["id"], persona["version"])
        if found is not None:
            raise LedgerConflict(
                f"entry {found} froze version {persona['version']} of {persona['id']!r:.80} already",
                hint="make a new version of the persona",
                code="ledger.persona-twice",
            )

    def _erasure(self, index: int, entry: Entry) -> None:
        """SPEC 10.3."""
        for item in entry.predicate["erases"]:
            if item["index"] >= index or not set(item["fields"]) <= self.book.committed(item["index"]):
                raise EntryRefused(
                    f"entry {item['index']} does not commit to all the fields that are to be erased",
                    code="ledger.erasure-target",
                )

    def _restore(self, index: int, entry: Entry) -> None:
        """SPEC 17.3."""
        if entry.predicate["restores"]["origin"] == self.origin:
            raise EntryRefused("a ledger cannot restore itself", code="ledger.restore-origin")
        if self.book.begun():
            raise EntryRefused("a restore is the first thing that an operator says", code="ledger.restore-late")

    def _merged(self, index: int, entry: Entry) -> None:
        """SPEC 17.6."""
        source = entry.predicate["source"]
        if source["origin"] == self.origin:
            raise EntryRefused("a ledger takes in no entries of its own", code="ledger.merge-source")
        expected = self.book.taken(source["origin"]).size
        if source["index"] != expected:
            raise EntryRefused(
                f"entry {source['index']} of the other ledger was taken in where entry {expected} is next",
                code="ledger.merge-source",
            )

    def _merge(self, index: int, entry: Entry) -> None:
        """SPEC 17.7."""
        said = entry.predicate
        taken = self.book.taken(said["merges"]["origin"])
        told = (said["merges"]["size"], said["merges"]["root"], said["first"], said["count"])
        if taken.since == 0 or told != (taken.size, taken.frontier.root().hex(), taken.first, taken.since):
            raise EntryRefused(
                "the merge does not agree with the entries that were taken in", code="ledger.merge-counts"
            )

    def _run_close(self, index: int, entry: Entry) -> None:
        """SPEC 6.9."""
        said = entry.predicate
        state = self._open_run(entry)
        wrong = [
            name
            for name, found in (
                ("planSha256", state.plan_sha256),
                ("planned", state.planned),
                ("planned", said["done"] + said["failed"] + said["rejected"] + said["skipped"]),
                ("outputs", state.outputs),
                ("rejects", state.rejects),
                ("firstIndex", state.open_index),
                ("lastIndex", state.last_index),
            )
            if said[name] != found
        ]
        if wrong:
            raise EntryRefused(
                f"the run-close does not agree with the entries of the run: {', '.join(dict.fromkeys(wrong))}",
                code="ledger.run-counts",
            )


def _require_roots(entry: Entry, threshold: int) -> None:
    """SPEC 6.4: each key id stands once in an envelope, so signatures count keys."""
    if len(entry.key_ids) < threshold:
        raise EntryRefused(
            f"{len(entry.key_ids)} root keys signed, and this ledger asks for {threshold}", code="ledger.root-threshold"
        )
