"""A ledger over the years: erasures, restores, merges, and proofs of misbehaviour (SPEC 10.3, 17)."""

from __future__ import annotations

import json
from typing import Any

from cases import RUN, Case, Files, case, finished, ledger, started
from forge import NOW, Forge, dumps, hex64, log_signer, signer
from personactl_ledger import parse_checkpoint, parse_entry, seal
from personactl_ledger.encoding import to_base64
from personactl_ledger.merkle import consistency_path, range_root
from personactl_ledger.misbehaviour import Misbehaviour

OTHER = "vectors.example/personactl/0123456789abcdef"
SUBJECT = ("rain.png", hex64("file rain"))


def erasure(forge: Forge, erases: Any, **changed: Any) -> int:
    said = {"erases": erases, "basis": "the person asked for it", "erasedAt": NOW, **changed}
    return forge.append(forge.say("erasure", forge.operator, ("persona.json", hex64("record")), **said))


def frozen() -> Forge:
    """A sealed name at entry 3, without its row."""
    forge = Forge()
    forge.freeze()
    forge.store.connection.execute("DELETE FROM sealed")
    return forge


@case
def erasure_good() -> Case:
    forge = frozen()
    erasure(forge, [{"index": 3, "fields": ["name"]}])
    forge.checkpoint()
    return ledger("A sealed name was erased, and an entry says so.", forge)


@case
def erasure_field_unknown_fail() -> Case:
    forge = frozen()
    erasure(forge, [{"index": 3, "fields": ["name", "prompt"]}])
    return finished("It erases a field that the entry does not commit to.", forge, "ledger.erasure-target")


@case
def erasure_entry_unsealed_fail() -> Case:
    forge = frozen()
    erasure(forge, [{"index": 0, "fields": ["name"]}])
    return finished("It erases a field of an entry that seals nothing.", forge, "ledger.erasure-target")


@case
def erasure_itself_fail() -> Case:
    forge = frozen()
    name = seal("name", "x", bytes(32))
    erasure(forge, [{"index": 4, "fields": ["name"]}], sealed={"name": name.commitment})
    return finished("It names itself: only entries below it can be erased.", forge, "ledger.erasure-target")


@case
def erasure_index_twice_fail() -> Case:
    forge = frozen()
    leaf = forge.say("erasure", forge.operator, SUBJECT, basis="x", erasedAt=NOW,
                     erases=[{"index": 3, "fields": ["name"]}, {"index": 3, "fields": ["name"]}])  # fmt: skip
    forge.append_raw(leaf, "erasure")
    return finished("An index stands twice in it.", forge, "ledger.predicate")


@case
def erasure_no_basis_fail() -> Case:
    forge = frozen()
    leaf = forge.say("erasure", forge.operator, SUBJECT, erases=[{"index": 3, "fields": ["name"]}], erasedAt=NOW)
    forge.append_raw(leaf, "erasure")
    return finished("It does not say on which ground.", forge, "ledger.predicate")


# --- restore ---


def restored(forge: Forge, origin: str = OTHER, **changed: Any) -> bytes:
    said = {"restores": {"origin": origin, "size": 7, "root": hex64("root")}, "reason": "the disk failed"}
    return forge.say("restore", forge.operator, ("checkpoint", hex64("head")), **(said | {"restoredAt": NOW} | changed))


@case
def restore_good() -> Case:
    forge = Forge()
    forge.key_add("person", signer("person").public_key)
    forge.append(restored(forge))
    forge.note("work goes on")
    forge.checkpoint()
    return ledger("A new ledger says first which ledger ended.", forge)


@case
def restore_itself_fail() -> Case:
    forge = Forge()
    forge.append(restored(forge, forge.origin))
    return finished("It restores the ledger that it stands in.", forge, "ledger.restore-origin")


@case
def restore_late_fail() -> Case:
    forge = Forge()
    forge.note("x")
    forge.append(restored(forge))
    return finished("The operator said something else before.", forge, "ledger.restore-late")


@case
def restore_root_missing_fail() -> Case:
    forge = Forge()
    forge.append_raw(restored(forge, restores={"origin": OTHER, "size": 7}), "restore")
    return finished("It does not say with which root.", forge, "ledger.predicate")


# --- merge ---


def source_forge() -> Forge:
    """The ledger that is taken in."""
    forge = Forge(domain="elsewhere.example", log=log_signer("log elsewhere"))
    forge.run_open(RUN, signer("run elsewhere"))
    forge.output(RUN, "rain", signer("run elsewhere"))
    forge.checkpoint()
    return forge


def take(forge: Forge, other: Forge, start: int, stop: int, **changed: Any) -> int:
    """Merged entries for [start, stop) of another ledger; returns the index of the first."""
    first = forge.growth.frontier.size
    for index in range(start, stop):
        row = other.store.leaf(index)
        assert row is not None
        entry = parse_entry(row[0])
        source = {"origin": other.origin, "index": index, "leafHash": entry.leaf_hash.hex(), "kind": entry.kind}
        said = {"source": source | changed, "mergedAt": NOW}
        forge.append(forge.say("merged", forge.operator, (entry.subject_name, entry.subject_sha256), **said))
    return first


def merge(forge: Forge, other: Forge, size: int, first: int, count: int, **changed: Any) -> int:
    merges = {"origin": other.origin, "size": size, "root": range_root(0, size, other.store.subtree).hex()}
    said = {"merges": merges | changed, "first": first, "count": count, "reason": "another machine", "mergedAt": NOW}
    return forge.append(forge.say("merge", forge.operator, ("checkpoint", hex64("head")), **said))


@case
def merge_good() -> Case:
    forge, other = Forge(), source_forge()
    first = take(forge, other, 0, 3)
    forge.note("in between")
    take(forge, other, 3, 4)
    merge(forge, other, 4, first, 4)
    first = take(forge, other, 4, 5)
    merge(forge, other, 5, first, 1)
    forge.checkpoint()
    return ledger("Two merges of one other ledger; the first was interrupted.", forge)


@case
def merge_unfinished() -> Case:
    forge, other = Forge(), source_forge()
    take(forge, other, 0, 3)
    forge.checkpoint()
    return ledger("Entries were taken in, and no merge closes them yet.", forge)


@case
def merge_gap_fail() -> Case:
    forge, other = Forge(), source_forge()
    take(forge, other, 0, 1)
    take(forge, other, 2, 3)
    return finished("Entry 1 of the other ledger was left out.", forge, "ledger.merge-source")


@case
def merge_twice_fail() -> Case:
    forge, other = Forge(), source_forge()
    take(forge, other, 0, 2)
    take(forge, other, 1, 2, kind="note")
    return finished("Entry 1 of the other ledger was taken in twice.", forge, "ledger.merge-source")


@case
def merge_own_origin_fail() -> Case:
    forge = Forge()
    take(forge, source_forge(), 0, 1, origin=forge.origin)
    return finished("The ledger takes in an entry of its own.", forge, "ledger.merge-source")


@case
def merge_leaf_hash_fail() -> Case:
    forge, other = Forge(), source_forge()
    first = take(forge, other, 0, 4)
    take(forge, other, 4, 5, leafHash=hex64("another leaf"))
    merge(forge, other, 5, first, 5)
    return finished("One leaf hash is not that of the other ledger.", forge, "ledger.merge-counts")


@case
def merge_count_fail() -> Case:
    forge, other = Forge(), source_forge()
    first = take(forge, other, 0, 5)
    merge(forge, other, 5, first, 4)
    return finished("It counts fewer entries than were taken in.", forge, "ledger.merge-counts")


@case
def merge_first_fail() -> Case:
    forge, other = Forge(), source_forge()
    first = take(forge, other, 0, 5)
    merge(forge, other, 5, first + 1, 5)
    return finished("It names another first entry.", forge, "ledger.merge-counts")


@case
def merge_nothing_fail() -> Case:
    forge, other = Forge(), source_forge()
    first = take(forge, other, 0, 5)
    merge(forge, other, 5, first, 5)
    merge(forge, other, 5, first, 5, again="once more")
    return finished("A second merge closes nothing.", forge, "ledger.merge-counts")


@case
def merge_size_fail() -> Case:
    forge, other = Forge(), source_forge()
    first = take(forge, other, 0, 4)
    merge(forge, other, 5, first, 4)
    return finished("It claims a tree of five, and four were taken in.", forge, "ledger.merge-counts")


@case
def merge_kind_form_fail() -> Case:
    forge, other = Forge(), source_forge()
    source = {"origin": other.origin, "index": 0, "leafHash": hex64("x"), "kind": "Output"}
    forge.append_raw(forge.say("merged", forge.operator, SUBJECT, source=source, mergedAt=NOW), "merged")
    return finished("The kind of the other entry is none.", forge, "ledger.predicate")


# --- misbehaviour ---


def two_histories() -> tuple[Forge, Forge]:
    """The same six entries; then one log goes on with five notes, its twin with eight others. Both are signed."""
    first, second = started(), started()
    for number in range(5):
        first.note(f"told to one: {number}")
    for number in range(8):
        second.note(f"told to another: {number}")
    return first, second


def proof(**changed: Any) -> dict[str, Any]:
    first, second = two_histories()
    a, b = parse_checkpoint(first.checkpoint()), parse_checkpoint(second.checkpoint())
    found = Misbehaviour(
        smaller=a, larger=b, root_at_smaller=range_root(0, a.size, second.store.subtree),
        path=consistency_path(a.size, b.size, second.store.subtree),
    )  # fmt: skip
    return json.loads(found.to_bytes()) | changed


def misbehaviour(why: str, document: dict[str, Any], code: str = "", exit_code: int = 4, **trust: Any) -> Case:
    files: Files = {"proof.json": dumps(document), "trust.json": dumps(Forge().trust() | trust)}
    return why, {"reader": "misbehaviour", "exit": exit_code if code else 0, **({"code": code} if code else {})}, files


@case
def misbehaviour_good() -> Case:
    return misbehaviour("The log signed a tree of 10 and a tree of 13 that does not extend it.", proof())


@case
def misbehaviour_equal_sizes() -> Case:
    first, second = started(), started()
    first.note("told to one")
    second.note("told to another")
    notes = [first.checkpoint(), second.checkpoint()]
    root = to_base64(parse_checkpoint(notes[1]).root)
    return misbehaviour("Two trees of one size.", proof(checkpoints=notes, rootAtSmaller=root, path=[]))


@case
def misbehaviour_consistent_fail() -> Case:
    forge = started()
    a = parse_checkpoint(forge.checkpoint())
    forge.note("x")
    b = parse_checkpoint(forge.checkpoint())
    path = [to_base64(item) for item in consistency_path(a.size, b.size, forge.store.subtree)]
    document = proof(checkpoints=[a.note, b.note], rootAtSmaller=to_base64(a.root), path=path)
    return misbehaviour("The second tree extends the first: nobody misbehaved.", document, "ledger.misbehaviour")


@case
def misbehaviour_path_fail() -> Case:
    document = proof()
    document["path"][0] = to_base64(bytes(32))
    return misbehaviour("The path does not lead to the second root.", document, "ledger.misbehaviour")


@case
def misbehaviour_path_long_fail() -> Case:
    document = proof()
    document["path"].append(to_base64(bytes(32)))
    return misbehaviour("The path has a hash too many.", document, "ledger.misbehaviour")


@case
def misbehaviour_swapped_fail() -> Case:
    document = proof()
    document["checkpoints"].reverse()
    return misbehaviour("The larger checkpoint stands first.", document, "ledger.misbehaviour")


@case
def misbehaviour_key_more_fail() -> Case:
    return misbehaviour("It has a key too many.", proof(note="x"), "ledger.misbehaviour")


@case
def misbehaviour_origin_fail() -> Case:
    return misbehaviour("Its origin is not that of its checkpoints.", proof(origin=OTHER), "ledger.misbehaviour")


@case
def misbehaviour_origin_map_fail() -> Case:
    return misbehaviour("Its origin is no text.", proof(origin={}), "ledger.misbehaviour")


@case
def misbehaviour_unsigned_fail() -> Case:
    first, second = two_histories()
    a, b = first.checkpoint(log=log_signer("another")), second.checkpoint()
    return misbehaviour("The first checkpoint is signed by another key.", proof(checkpoints=[a, b]),
                        "ledger.misbehaviour-untrusted", 5)  # fmt: skip


@case
def misbehaviour_foreign_fail() -> Case:
    other = Forge(domain="elsewhere.example")
    return misbehaviour("It is about another ledger than the trust file.", proof(), "ledger.misbehaviour-untrusted", 5,
                        origin=other.origin, logKeys=list(other.log.vkeys(other.origin)))  # fmt: skip
